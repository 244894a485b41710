"""A finished figure: what is drawn (a Vega-Lite description made by altair) apart from the numbers in it.

Invariants:
- Numbers lie in columns, and words are counted from a list, so that a page of many figures stays small.
- The same data gives the same bytes.
- Field names are ours; text of a run occurs as a value or a title alone, so no name is read as an expression.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

DIGITS = 5
"""Significant ones of a number in a figure."""


@dataclass(frozen=True)
class Chart:
    """One figure.

    ``columns`` are equally long; where ``words`` has a column's name, its numbers count from that list.
    """

    title: str
    spec: Mapping[str, Any]
    """Vega-Lite, with the data called ``rows`` left open."""
    columns: Mapping[str, Sequence[float | int | None]]
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)
    smooth: bool = False
    """Whether the page's smoothing applies: ``value`` is smoothed along ``step``, ``raw`` stays."""
    log: Literal["never", "off", "on"] = "never"
    """Whether the value axis can be logarithmic, and is at first."""
    wide: bool = False
    """Takes the whole width of the page."""
    note: str = ""
    """A sentence below the title."""

    def parts(self) -> dict[str, Any]:
        """What the page's script needs, ready for ``json.dumps``."""
        return {
            "title": self.title,
            "spec": self.spec,
            "columns": {name: [_short(value) for value in of] for name, of in self.columns.items()},
            "words": {name: list(of) for name, of in self.words.items()},
            "smooth": self.smooth,
            "log": self.log,
        }


def _short(value: float | int | None) -> float | int | None:
    if value is None or isinstance(value, int):
        return value
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
