"""Which texts were there before: exact repeats in a stream, at eight bytes a text.

Invariants:
- The first of equal texts is new, whatever the block sizes.
- A digest of 64 bits takes two of a million different texts for one with a probability below 3e-8.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from psyche_rl.store.digests import digests64

_SMALLEST = 1 << 14


class SeenTexts:
    """A growing set of digests: sorted arrays that are merged like a log-structured tree."""

    def __init__(self) -> None:
        self._runs: list[np.ndarray] = []

    def __len__(self) -> int:
        return sum(len(run) for run in self._runs)

    def new(self, texts: Sequence[str]) -> list[bool]:
        """Whether each text is new, to the set and among those before it; afterwards it is not."""
        digests = digests64(texts)
        unique, first = np.unique(digests, return_index=True)
        fresh = np.ones(len(unique), bool)
        for run in self._runs:
            at = np.minimum(np.searchsorted(run, unique), len(run) - 1)
            fresh &= run[at] != unique
        self._add(unique[fresh])
        is_new = np.zeros(len(texts), bool)
        is_new[first[fresh]] = True
        return [bool(value) for value in is_new]

    def _add(self, run: np.ndarray) -> None:
        if not len(run):
            return
        self._runs.append(run)
        while len(self._runs) > 1 and len(self._runs[-2]) < max(_SMALLEST, 2 * len(self._runs[-1])):
            merged = np.concatenate([self._runs.pop(), self._runs.pop()])
            merged.sort()
            self._runs.append(merged)
