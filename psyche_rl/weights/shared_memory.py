"""Weights in memory that the other processes of this host map: one copy, however many read it.

Role: an engine whose layers are spread over processes hands them a place to read at, not the bytes, which
would be pickled once for each of them.
Collaborators: engines of ``tensor_parallel_size`` above 1.
Invariants:
- The memory has no name in any folder. It is gone with the processes that hold it, whatever ends them, and
  the size of ``/dev/shm`` (64 MB in many containers) does not bound it.
- Readers map it and cannot write to it.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from psyche_rl.rollout.engine import Weights

ALIGNED = 64
"""Bytes: arrays start at multiples of a cache line."""


@dataclass(frozen=True)
class TensorPlace:
    """One array: numpy's name of its type, its shape, and its first byte."""

    dtype: str
    shape: tuple[int, ...]
    start: int


@dataclass(frozen=True)
class SharedWeights:
    """Where a state lies; small, and pickled in place of it."""

    path: str
    places: Mapping[str, TensorPlace]

    def open(self) -> Weights:
        """The arrays, read-only and not copied; the memory is kept as long as one of them.

        Raises:
            FileNotFoundError: whoever shared them has let go, or ended.
        """
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            memory = mmap.mmap(descriptor, 0, prot=mmap.PROT_READ)
        finally:
            os.close(descriptor)
        return {name: _array(memory, place) for name, place in self.places.items()}


@contextmanager
def shared(weights: Weights) -> Iterator[SharedWeights]:
    """A copy of ``weights`` that processes of this host and user can open until the block ends."""
    places, size = _layout(weights)
    descriptor = os.memfd_create("psyche-rl-weights")
    try:
        os.ftruncate(descriptor, size)
        memory = mmap.mmap(descriptor, size)
        for name, array in weights.items():
            _array(memory, places[name])[...] = array
        yield SharedWeights(f"/proc/{os.getpid()}/fd/{descriptor}", places)
    finally:
        os.close(descriptor)


def _layout(weights: Weights) -> tuple[dict[str, TensorPlace], int]:
    places, end = {}, 0
    for name, array in weights.items():
        places[name] = TensorPlace(array.dtype.str, array.shape, end)
        end += -(-array.nbytes // ALIGNED) * ALIGNED
    return places, max(end, 1)  # no memory of size 0 can be mapped


def _array(memory: mmap.mmap, place: TensorPlace) -> np.ndarray:
    return np.ndarray(place.shape, place.dtype, memory, place.start)
