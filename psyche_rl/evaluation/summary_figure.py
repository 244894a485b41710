"""A figure with its interval: the one shape that tables, pages and logs show."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SummaryFigure:
    """``value`` over ``n`` items in ``clusters`` cases, with the percentile interval over clusters; NaN where
    there is nothing to measure."""

    value: float
    low: float
    high: float
    n: int
    clusters: int
