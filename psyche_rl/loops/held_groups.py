"""What the buffer of the asynchronous mode holds, by its own count.

Pure. Role: the ledger holds this count against what dispatcher, workers and scorers have told it.
Collaborators: ``producer`` tells what comes and goes, under its lock.
Invariant: a group counts from when it is asked for until it is taken or let go; of its tokens those count
that are here, and, as long as none is, those that the stream of rollouts says it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from psyche_rl.ledger.balance import Amount
from psyche_rl.records import GenerationRequest, Sample


@dataclass
class HeldGroups:
    """None yet."""

    _asked: dict[str, int] = field(default_factory=dict)
    """Samples of each group."""
    _here: dict[str, Amount] = field(default_factory=dict)

    def asked(self, request: GenerationRequest) -> None:
        """A group is given out."""
        self._asked[request.id] = request.n

    def came(self, group: str, samples: Iterable[Sample]) -> None:
        """All its samples are here."""
        lengths = [len(sample.response_ids) for sample in samples]
        self._here[group] = Amount(1, len(lengths), sum(lengths))

    def scored(self, group: str, amount: Amount) -> None:
        """Its samples are scored; those that failed are no longer held."""
        self._here[group] = amount

    def gone(self, group: str) -> None:
        """It is taken for a step, or let go."""
        self._asked.pop(group)
        self._here.pop(group, None)

    def amount(self, coming: Mapping[str, int]) -> Amount:
        """All that is held; ``coming``: tokens of each group that is not here yet, as the stream has them."""
        ahead = (Amount(1, n, coming.get(g, 0)) for g, n in self._asked.items() if g not in self._here)
        return sum((*self._here.values(), *ahead), Amount())
