"""Ids, each as often as it was given, packed: what a step's rows are compared by.

Invariant: two bags are equal if they hold the same ids equally often, whatever the order.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from psyche_rl.store.digests import digest64

PACKED = 4096  # ids that are packed together


class IdBag:
    """A multiset of ids: eight bytes each, and their texts as long as they may have to be told."""

    def __init__(self, ids: Iterable[str] = (), texts: bool = True) -> None:
        self.digests = array("Q")
        self._texts = texts
        self._packed: list[pa.Array] = []
        self._loose: list[str] = []
        self.update(ids)

    def __len__(self) -> int:
        return len(self.digests)

    def __iter__(self) -> Iterator[str]:
        """The texts that are kept, in the order in which they came."""
        for ids in self._packed:
            yield from ids.to_pylist()
        yield from self._loose

    def update(self, ids: Iterable[str]) -> None:
        """Add ids."""
        for id_ in ids:
            self.digests.append(digest64(id_))
            if self._texts:
                self._loose.append(id_)
                if len(self._loose) == PACKED:
                    self._packed.append(pa.array(self._loose, pa.string()))
                    self._loose = []

    def forget_texts(self) -> None:
        """Keep the digests alone of what is there."""
        self._packed, self._loose = [], []

    def equals(self, other: IdBag) -> bool:
        """Whether both hold the same."""
        return len(self) == len(other) and bool(np.array_equal(self._sorted(), other._sorted()))

    def without(self, other: IdBag) -> Counter[int]:
        """What is here more often than there, by digest, in the order in which it came."""
        return Counter(self.digests) - Counter(other.digests)

    def _sorted(self) -> np.ndarray:
        return np.sort(np.array(self.digests, np.uint64))
