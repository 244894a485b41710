"""What the workers of a pool hand out, entered in the books by worker.

Pure. Collaborators: the pool in ``actors`` tells it who is given which part of a call, and what came; the
ledger is told, where there is one.
Invariant: a part that is given out again was lost with the worker that had it before.
"""

from __future__ import annotations

from collections.abc import Sequence

from psyche_rl.ledger.ledger import Ledger
from psyche_rl.records import GenerationRequest, Sample


class PartTally:
    """Of one call. ``parts``: the requests of each slot."""

    def __init__(self, ledger: Ledger | None, parts: Sequence[Sequence[GenerationRequest]]) -> None:
        self._ledger, self._parts = ledger, parts
        self._given: dict[int, list[int]] = {}
        """Of each slot: the workers that were given its part, in their order."""

    def given(self, slot: int, worker: int) -> None:
        """A worker is asked for the slot's part."""
        before = self._given.setdefault(slot, [])
        if before and self._ledger is not None:
            for request in self._parts[slot]:
                lost = {f"{request.id}/{index}": 0 for index in range(request.n)}
                self._ledger.lost(request.id, lost, str(before[-1]))
        before.append(worker)

    def came(self, slot: int, groups: Sequence[Sequence[Sample]]) -> None:
        """The slot's part has come, from the worker that was asked last."""
        if self._ledger is not None:
            given = self._given[slot]
            samples = (sample for group in groups for sample in group)
            self._ledger.generated(samples, str(given[-1]), attempt=len(given))
