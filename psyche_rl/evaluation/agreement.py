"""How far judges agree, and who wins: Cohen's kappa, Krippendorff's alpha, win rates with ties.

Collaborators: statsmodels computes kappa, the package ``krippendorff`` alpha.
Invariant: what a judge did not rate is missing, never a rating; with no variation there is no agreement to
measure (NaN).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from psyche_rl.evaluation.cluster_draws import AS_USUAL, BootstrapSettings, ClusterDraws

Rating = float | str
PairVerdict = Literal["first", "second", "tie"]
Level = Literal["nominal", "ordinal", "interval", "ratio"]


def cohens_kappa(first: Sequence[Rating], second: Sequence[Rating]) -> float:
    """Kappa of two judges' ratings of the same items; NaN where all ratings are the same."""
    from statsmodels.stats.inter_rater import cohens_kappa as kappa_of
    from statsmodels.stats.inter_rater import to_table

    if len(first) != len(second) or not first:
        raise ValueError(f"{len(first)} and {len(second)} ratings are not of the same items")
    names = sorted(set(map(str, (*first, *second))))
    if len(names) < 2:
        return float("nan")
    codes = np.array([[names.index(str(a)), names.index(str(b))] for a, b in zip(first, second, strict=True)])
    table, _ = to_table(codes, bins=np.arange(len(names) + 1) - 0.5)
    return float(kappa_of(table, return_results=True).kappa)


def krippendorffs_alpha(ratings: Sequence[Sequence[float | None]], level: Level = "interval") -> float:
    """Alpha of judges (rows) over items (columns), None for what a judge did not rate; NaN where there is
    nothing to compare."""
    import krippendorff

    data = np.array([[np.nan if value is None else float(value) for value in judge] for judge in ratings])
    pairable = (np.isfinite(data).sum(axis=0) > 1).any()
    values = np.unique(data[np.isfinite(data)])
    if not pairable or values.size < 2:
        return float("nan")
    return float(krippendorff.alpha(reliability_data=data, level_of_measurement=level))


@dataclass(frozen=True)
class WinRate:
    """Of the second against the first: wins plus half the ties, with an interval over clusters."""

    value: float
    low: float
    high: float
    wins: int
    ties: int
    losses: int


def in_both_orders(shown: PairVerdict, swapped: PairVerdict) -> PairVerdict:
    """The verdict on a pair that was shown in both orders; judges that contradict themselves call it a tie.

    Args:
        shown: the verdict with the first model's reply first.
        swapped: the verdict with the second model's reply first, so ``first`` means the second model.
    """
    turned: dict[PairVerdict, PairVerdict] = {"first": "second", "second": "first", "tie": "tie"}
    return shown if turned[swapped] == shown else "tie"


def win_rate(
    verdicts: Sequence[PairVerdict], clusters: Sequence[str], settings: BootstrapSettings = AS_USUAL
) -> WinRate:
    """The second model's win rate.

    Raises:
        ValueError: there is no verdict.
    """
    if not verdicts:
        raise ValueError("a win rate needs at least one verdict")
    worth = {"first": 0.0, "tie": 0.5, "second": 1.0}
    draws = ClusterDraws(clusters, settings=settings)
    means, drawn = draws.means(np.array([[worth[verdict]] for verdict in verdicts]))
    low, high = draws.interval(drawn[:, 0])
    counts = {name: sum(verdict == name for verdict in verdicts) for name in worth}
    return WinRate(float(means[0]), low, high, counts["second"], counts["tie"], counts["first"])
