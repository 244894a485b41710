"""How bundles are laid out in rows and rows in micro-batches. Pure: lengths in, indices out.

Collaborators: ``bundles`` says what lies together, ``packed_batch`` fills the arrays, ``learner`` runs one
forward pass per micro-batch.
Invariants:
- Every bundle lies whole in exactly one row.
- A row is no wider than ``row_tokens`` unless it holds one longer bundle.
- A micro-batch holds at most ``micro_batch_tokens`` tokens, padding included, unless it is a single wider
  row.
- The same lengths give the same layout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np


class Layout(StrEnum):
    """What a model bears (``opening`` finds out)."""

    ALONE = "alone"
    """A row of its own for every sequence."""
    PACKED = "packed"
    """Several sequences in a row."""
    SHARED = "shared"
    """Besides, one copy of a prompt for several responses."""


@dataclass(frozen=True)
class MicroBatch:
    """Rows of bundle indices, all padded to ``width`` tokens."""

    rows: tuple[tuple[int, ...], ...]
    width: int


def pack(lengths: Sequence[int], row_tokens: int, micro_batch_tokens: int) -> list[MicroBatch]:
    """Lay out bundles of ``lengths`` tokens: first-fit decreasing, then rows of like width together.

    ``row_tokens`` 0 gives each its own row.
    """
    rows = _fill_rows(lengths, row_tokens)
    widths = [sum(lengths[i] for i in row) for row in rows]
    # Widest first: a micro-batch pads to its first row, so neighbours of like width waste least.
    order = sorted(range(len(rows)), key=lambda r: (-widths[r], r))
    batches: list[MicroBatch] = []
    start = 0
    while start < len(order):
        width = widths[order[start]]
        count = max(1, micro_batch_tokens // width)
        batches.append(MicroBatch(tuple(rows[r] for r in order[start : start + count]), width))
        start += count
    return batches


def _fill_rows(lengths: Sequence[int], row_tokens: int) -> list[tuple[int, ...]]:
    space = np.zeros(len(lengths), dtype=np.int64)
    rows: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        fits = space[: len(rows)] >= lengths[index]
        row = int(fits.argmax()) if fits.any() else len(rows)
        if row == len(rows):
            rows.append([])
            space[row] = max(row_tokens, lengths[index])
        rows[row].append(index)
        space[row] -= lengths[index]
    return [tuple(row) for row in rows]
