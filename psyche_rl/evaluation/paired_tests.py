"""Whether one model is better than another on the same items: paired tests, by items and by clusters.

- McNemar's exact test looks at the items that one of the two has right.
- Its clustered form is for items that share a case: (sum of d)² / sum of d² over clusters, d being the
  difference of right answers in a cluster, against chi-square with one degree of freedom (Durkalski et al.
  2003, with every item counting the same).
- The paired cluster bootstrap is for any score: how often the difference of resampled clusters, centred on
  the one that was found, is as large as that one (Efron and Tibshirani 1993, section 16.4).
- Holm's step-down (1979) over all comparisons that are made together.
Invariant: never by whether two intervals overlap. Intervals of differences are of the differences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, erfc, sqrt

import numpy as np

from psyche_rl.evaluation.cluster_draws import AS_USUAL, BootstrapSettings, ClusterDraws, Floats, percentiles
from psyche_rl.evaluation.composite_figures import DrawnFigure


@dataclass(frozen=True)
class PairedDifference:
    """``difference`` is the mean of second minus first, with its interval and the two-sided p of the
    bootstrap; ``discordant`` counts (only the first right, only the second right) where scores are 0 or 1,
    and ``mcnemar_p``, ``mcnemar_clustered_p`` are their tests."""

    first: float
    second: float
    difference: float
    low: float
    high: float
    p: float
    n: int
    clusters: int
    discordant: tuple[int, int] | None = None
    mcnemar_p: float | None = None
    mcnemar_clustered_p: float | None = None


def compared(
    first: Floats, second: Floats, clusters: Sequence[str], settings: BootstrapSettings = AS_USUAL
) -> PairedDifference:
    """Two models' scores (n,) of the same items.

    Raises:
        ValueError: there is no item, or the lengths differ.
    """
    if first.shape != second.shape or len(clusters) != first.size or not first.size:
        raise ValueError(f"{first.size} and {second.size} scores of {len(clusters)} items are not paired")
    difference = second - first
    draws = ClusterDraws(clusters, settings=settings)
    means, drawn = draws.means(difference[:, None])
    found = float(means[0])
    low, high = draws.interval(drawn[:, 0])
    binary = bool(np.isin(first, (0.0, 1.0)).all() and np.isin(second, (0.0, 1.0)).all())
    counts = (int((difference < 0).sum()), int((difference > 0).sum())) if binary else None
    return PairedDifference(
        first=float(first.mean()),
        second=float(second.mean()),
        difference=found,
        low=low,
        high=high,
        p=bootstrap_p(found, drawn[:, 0]),
        n=first.size,
        clusters=draws.clusters,
        discordant=counts,
        mcnemar_p=None if counts is None else mcnemar_p(*counts),
        mcnemar_clustered_p=None if counts is None else mcnemar_clustered_p(difference, clusters),
    )


def compared_draws(first: DrawnFigure, second: DrawnFigure, settings: BootstrapSettings) -> PairedDifference:
    """Two models' figures over the same draws of the same items."""
    a, b = first.figure, second.figure
    drawn = second.drawn - first.drawn
    low, high = percentiles(drawn, settings.confidence)
    p = bootstrap_p(b.value - a.value, drawn[np.isfinite(drawn)])
    return PairedDifference(a.value, b.value, b.value - a.value, low, high, p, a.n, a.clusters)


def bootstrap_p(found: float, drawn: Floats) -> float:
    """Two-sided: how often drawn differences lie as far from the one found as that lies from 0."""
    return float((1 + (np.abs(drawn - found) >= abs(found) - 1e-12).sum()) / (1 + drawn.size))


def mcnemar_p(only_first: int, only_second: int) -> float:
    """The exact test: the binomial of the discordant items."""
    pairs, fewer = only_first + only_second, min(only_first, only_second)
    tail = sum(comb(pairs, k) for k in range(fewer + 1))
    return float(min(1.0, 2 * tail / 2**pairs))


def mcnemar_clustered_p(difference: Floats, clusters: Sequence[str]) -> float:
    """The clustered form for differences -1, 0 or 1 of items."""
    _, codes = np.unique(np.asarray(clusters, dtype=object).astype(str), return_inverse=True)
    by_cluster = np.bincount(codes, weights=difference)
    spread = float((by_cluster**2).sum())
    return 1.0 if spread == 0 else erfc(abs(float(by_cluster.sum())) / sqrt(2 * spread))


def holm(ps: Sequence[float]) -> list[float]:
    """Adjusted p of several comparisons, in their order."""
    adjusted, least = [0.0] * len(ps), 0.0
    for rank, at in enumerate(sorted(range(len(ps)), key=lambda at: ps[at])):
        least = max(least, min(1.0, (len(ps) - rank) * ps[at]))
        adjusted[at] = least
    return adjusted
