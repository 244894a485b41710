"""Sequences on their way to a rank: a few long arrays in place of thousands of short ones.

Ray hands over each array by itself, which for short replies takes longer than the array is worth.
Collaborators: ``group`` and ``reference`` send these, ``rank`` takes them apart.
Invariant: what comes out equals what went in, array for array with its type; the arrays may be read-only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np


@dataclass(frozen=True)
class _Joined:
    """One-dimensional arrays one behind the other; ``lengths`` has -1 for a None among them."""

    whole: np.ndarray
    lengths: np.ndarray

    def parts(self) -> list[np.ndarray | None]:
        ends = np.maximum(self.lengths, 0).cumsum().tolist()
        lengths = self.lengths.tolist()
        return [self.whole[end - n : end] if n >= 0 else None for n, end in zip(lengths, ends, strict=True)]


@dataclass(frozen=True)
class Shipment:
    """Sequences of one kind, field by field."""

    kind: type | None
    columns: tuple[list[Any] | _Joined, ...]

    @classmethod
    def of(cls, sequences: Sequence[Any]) -> Shipment:
        """``sequences``: dataclasses of one type, as of ``psyche_rl.learner.sequence``."""
        if not sequences:
            return cls(None, ())
        names = [field.name for field in fields(sequences[0])]
        return cls(type(sequences[0]), tuple(_joined([getattr(s, n) for s in sequences]) for n in names))

    def unpacked(self) -> list[Any]:
        """The sequences again."""
        if self.kind is None:
            return []
        columns = [c.parts() if isinstance(c, _Joined) else c for c in self.columns]
        return [self.kind(*values) for values in zip(*columns, strict=True)]


def _joined(values: list[Any]) -> list[Any] | _Joined:
    arrays = [value for value in values if isinstance(value, np.ndarray)]
    others = any(value is not None and not isinstance(value, np.ndarray) for value in values)
    if not arrays or others or len({array.dtype for array in arrays}) > 1:
        return values
    lengths = np.array([-1 if value is None else len(value) for value in values])
    return _Joined(np.concatenate(arrays), lengths)
