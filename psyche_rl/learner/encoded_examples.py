"""Encoded SFT examples on the disk: what a step takes is read when it takes it.

Role: the list of sequences that the SFT loop draws its batches from, at twenty bytes an example in memory.
Invariants:
- A sequence is read back as it was written.
- The file has no name: whatever ends the process, nothing of it stays. It lies where ``TMPDIR`` says.
"""

from __future__ import annotations

import os
import tempfile
from array import array
from collections.abc import Sequence
from typing import overload

import numpy as np

from psyche_rl.learner.sequence import SftSequence

_DTYPE = np.dtype(np.int32)


class EncodedExamples(Sequence[SftSequence]):
    """Sequences in the order in which they were added; ``source`` is the file that the examples stand in."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._file = tempfile.TemporaryFile(prefix="psyche-rl-")  # noqa: SIM115 - open as long as this lives
        self._ends, self._prompts, self._rows = array("q", [0]), array("i"), array("i")

    def add(self, ids: Sequence[int], prompt_length: int, row: int) -> None:
        """Append the tokens of the example in ``row`` of the source."""
        self._file.write(np.asarray(ids, _DTYPE).tobytes())
        self._ends.append(self._ends[-1] + len(ids))
        self._prompts.append(prompt_length)
        self._rows.append(row)

    @property
    def rows(self) -> Sequence[int]:
        """The row of the source that each example stands in."""
        return self._rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, at: int) -> SftSequence: ...

    @overload
    def __getitem__(self, at: slice) -> list[SftSequence]: ...

    def __getitem__(self, at: int | slice) -> SftSequence | list[SftSequence]:
        if isinstance(at, slice):
            return [self[n] for n in range(*at.indices(len(self)))]
        at = range(len(self))[at]
        self._file.flush()
        begin, end = self._ends[at], self._ends[at + 1]
        size = _DTYPE.itemsize
        data = os.pread(self._file.fileno(), (end - begin) * size, begin * size)
        ids = np.frombuffer(data, _DTYPE).astype(np.int64)
        return SftSequence(ids, self._prompts[at], name=f"row {self._rows[at]} of {self._source}")


class ChosenExamples(Sequence[SftSequence]):
    """Some of the examples, by their places, in the order given."""

    def __init__(self, examples: Sequence[SftSequence], places: Sequence[int]) -> None:
        self._examples, self._places = examples, array("q", places)

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, at: int) -> SftSequence: ...

    @overload
    def __getitem__(self, at: slice) -> list[SftSequence]: ...

    def __getitem__(self, at: int | slice) -> SftSequence | list[SftSequence]:
        if isinstance(at, slice):
            return [self._examples[place] for place in self._places[at]]
        return self._examples[self._places[at]]
