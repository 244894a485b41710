"""How far judges agree, and who wins: Cohen's kappa, Krippendorff's alpha, win rates with ties.

Collaborators: statsmodels computes kappa, the package ``krippendorff`` alpha.
Invariant: what a judge did not rate is missing, never a rating; with no variation there is no agreement to
measure (NaN).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from psyche_rl.evaluation.cluster_draws import AS_USUAL, BootstrapSettings, ClusterDraws, Floats
from psyche_rl.evaluation.item_result import ItemResult

Rating = float | str
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
    with np.errstate(invalid="ignore", divide="ignore"):  # of its z, where a judge says one thing only
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
class JudgeAgreement:
    """How far judges agree by one metric: alpha over all, and kappa of each two, over the replies that they
    rated."""

    metric: str
    alpha: float
    kappas: dict[str, float]
    rated: dict[str, int]


def judge_agreement(
    judges: Mapping[str, Sequence[ItemResult]], metric: str, level: Level = "interval"
) -> JudgeAgreement:
    """The agreement of the scores that several judges gave to the same replies.

    Args:
        judges: the rows that each made, by the name to show.

    Raises:
        ValueError: no reply was rated by two of them.
    """
    given = {name: {row.key: row.scores.get(metric) for row in rows} for name, rows in judges.items()}
    keys = sorted({key for of in given.values() for key, score in of.items() if score is not None})
    table = {name: [of.get(key) for key in keys] for name, of in given.items()}
    kappas = {}
    for first, second in combinations(table, 2):
        pairs = zip(table[first], table[second], strict=True)
        both = [(a, b) for a, b in pairs if a is not None and b is not None]
        if both:
            kappas[f"{first} and {second}"] = cohens_kappa([a for a, _ in both], [b for _, b in both])
    if not kappas:
        raise ValueError(f"no reply has scores of two judges by {metric}")
    rated = {name: sum(score is not None for score in scores) for name, scores in table.items()}
    return JudgeAgreement(metric, krippendorffs_alpha(list(table.values()), level), kappas, rated)


@dataclass(frozen=True)
class WinRate:
    """Of the second against the first: wins plus half the ties, with an interval over clusters."""

    value: float
    low: float
    high: float
    wins: int
    ties: int
    losses: int


def win_rate(
    first: Floats, second: Floats, clusters: Sequence[str], settings: BootstrapSettings = AS_USUAL
) -> WinRate:
    """The second model's win rate over the first, by their scores (n,) of the same items.

    Raises:
        ValueError: there is no item.
    """
    if not first.size:
        raise ValueError("a win rate needs at least one item")
    worth = (np.sign(second - first) + 1) / 2
    draws = ClusterDraws(clusters, settings=settings)
    means, drawn = draws.means(worth[:, None])
    low, high = draws.interval(drawn[:, 0])
    wins, ties, losses = (int((worth == value).sum()) for value in (1.0, 0.5, 0.0))
    return WinRate(float(means[0]), low, high, wins, ties, losses)
