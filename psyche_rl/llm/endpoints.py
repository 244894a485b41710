"""Which of several servers gets the next request, and which of them are paused for a while.

Pure state and decisions with the time handed in; ``http_transport`` carries them out.
Invariants:
- Weighted least connections (the fewest requests in flight per weight, the first of equals).
- An endpoint that is out never comes back in this process.
- One that is paused is passed over only while another is not.
- Before ``held_until`` (its Retry-After) an endpoint gets nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from psyche_rl.llm.window import Window

STRIKES = 3
"""Failures in a row after which an endpoint is paused; one that cannot be reached is paused at once."""
FIRST_REST_S, LONGEST_REST_S = 2.0, 60.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is known of one server."""

    weight: float
    window: Window
    in_flight: int = 0
    strikes: int = 0
    held_until: float = 0.0
    resting_until: float = 0.0
    is_out: bool = False

    def sent(self) -> Endpoint:
        """One more request is on its way."""
        return replace(self, in_flight=self.in_flight + 1)

    def landed(self) -> Endpoint:
        """A request has ended, in whatever way."""
        return replace(self, in_flight=self.in_flight - 1)

    def answered(self) -> Endpoint:
        """A request was answered well."""
        return replace(self, window=self.window.answered(), strikes=0)

    def overloaded(self, sent_under: int, now: float, retry_after: float | None) -> Endpoint:
        """A request met 429, 503 or a timeout; ``retry_after`` in seconds."""
        held = self.held_until if retry_after is None else max(self.held_until, now + retry_after)
        return replace(self, window=self.window.overloaded(sent_under), held_until=held)

    def failed(self, now: float, at_once: bool) -> Endpoint:
        """A request met a fault of the server; ``at_once``: it cannot even be reached."""
        strikes = max(self.strikes + 1, STRIKES if at_once else 0)
        if strikes < STRIKES:
            return replace(self, strikes=strikes)
        rest = min(FIRST_REST_S * 2.0 ** (strikes - STRIKES), LONGEST_REST_S)
        return replace(self, strikes=strikes, resting_until=now + rest)


@dataclass(frozen=True, slots=True)
class Later:
    """Nobody can take a request now; ``at`` is when somebody might, None if only a landing can tell."""

    at: float | None


def choose(endpoints: Sequence[Endpoint], now: float) -> int | Later:
    """The place of the endpoint for the next request."""
    usable = [i for i, e in enumerate(endpoints) if not e.is_out]
    awake = [i for i in usable if endpoints[i].resting_until <= now] or usable
    ready = [i for i in awake if endpoints[i].held_until <= now]
    free = [i for i in ready if endpoints[i].window.has_room(endpoints[i].in_flight)]
    if free:
        return min(free, key=lambda i: ((endpoints[i].in_flight + 1) / endpoints[i].weight, i))
    times = [t for i in usable for t in (endpoints[i].held_until, endpoints[i].resting_until) if t > now]
    return Later(min(times, default=None))


def others_back(endpoints: Sequence[Endpoint], place: int, now: float) -> float:
    """Seconds until another endpoint takes requests, infinite if none ever will."""
    times = [
        max(e.held_until, e.resting_until) for i, e in enumerate(endpoints) if i != place and not e.is_out
    ]
    return max(0.0, min(times) - now) if times else math.inf


def others_can_help(endpoints: Sequence[Endpoint], place: int, now: float) -> bool:
    """Whether another endpoint is neither out, nor paused, nor held."""
    return any(
        i != place and not e.is_out and e.resting_until <= now and e.held_until <= now
        for i, e in enumerate(endpoints)
    )
