"""How many requests one server may have in flight: additive increase, multiplicative decrease.

Pure: ``http_transport`` feeds it and obeys it.
Source: AIMD as in TCP (RFC 5681, section 3.1), with one difference: it begins at the cap, since most servers
can take what their user thinks they can.
Invariants:
- 1 <= limit <= cap.
- A burst of refusals that were sent before the last cut costs no second cut.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

CUT = 0.5
ROUNDS_TO_CAP = 16
"""Full rounds of answers from nothing back to the cap."""


@dataclass(frozen=True, slots=True)
class Window:
    """``cuts`` numbers the decreases so far; a request remembers the number it was sent under."""

    cap: int
    limit: float
    cuts: int = 0

    @classmethod
    def open(cls, cap: int) -> Window:
        """At the cap."""
        return cls(cap, float(cap))

    def has_room(self, in_flight: int) -> bool:
        """Whether one more request may be sent."""
        return in_flight < int(self.limit)

    def answered(self) -> Window:
        """After an answer: a round of them (one for each place) adds a sixteenth of the cap, at least 1."""
        step = max(1.0, self.cap / ROUNDS_TO_CAP)
        return replace(self, limit=min(float(self.cap), self.limit + step / self.limit))

    def overloaded(self, sent_under: int) -> Window:
        """After a 429, 503 or timeout of a request that was sent when ``cuts`` was ``sent_under``."""
        if sent_under < self.cuts:
            return self
        return replace(self, limit=max(1.0, self.limit * CUT), cuts=self.cuts + 1)
