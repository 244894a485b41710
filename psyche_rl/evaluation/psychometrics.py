"""Whether a questionnaire measures: Cronbach's alpha, and the correlation of two measures of the same people.

- Reliability: do the items of one scale go together (``cronbach_alpha``)?
- Convergent validity: do two measures of the same thing agree? Discriminant validity: do measures of two
  things differ? Both are a correlation (``correlation``), high in one case and low in the other.
Collaborators: scipy computes correlations and quantiles; ``item_table`` reads what models wrote.
Invariant: what is missing is missing, never 0; with no variation there is nothing to measure (NaN).
Sources: Cronbach 1951; Feldt, Woodruff and Salih 1987 (interval of alpha); Campbell and Fiske 1959
(validity).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from psyche_rl.evaluation.cluster_draws import Floats
from psyche_rl.evaluation.item_result import ItemResult
from rewards import QuestionnaireError, RewardSample
from rewards.shipped.questionnaire_error import gold_scores

Missing = Literal["pairwise", "listwise"]
Method = Literal["pearson", "spearman"]
NAN = float("nan")


@dataclass(frozen=True)
class Reliability:
    """Alpha with its interval, and how many people and items it is of."""

    alpha: float
    low: float
    high: float
    people: int
    items: int


@dataclass(frozen=True)
class Correlation:
    """A coefficient with its interval (Fisher's z) and the number of pairs."""

    value: float
    low: float
    high: float
    pairs: int


def cronbach_alpha(scores: Floats, missing: Missing = "pairwise", confidence: float = 0.95) -> Reliability:
    """Alpha of a scale: ``k / (k - 1) * (1 - sum of the items' variances / variance of their sum)``.

    Args:
        scores: (people, items); NaN where an item was not answered.
        missing: ``pairwise`` takes each covariance over the people who answered both items, ``listwise``
            leaves out whoever left out one.

    Raises:
        ValueError: there are less than two items, or less than two people to compare.
    """
    from scipy.stats import f

    table = np.asarray(scores, float)
    if table.ndim != 2 or table.shape[1] < 2:
        raise ValueError("alpha needs at least two items")
    if missing == "listwise":
        table = table[np.isfinite(table).all(axis=1)]
    people, items = table.shape
    if people < 2:
        raise ValueError(f"alpha needs at least two people who answered, got {people}")
    covariances = _covariances(table)
    total = covariances.sum()
    if not np.isfinite(total) or total <= 0:
        return Reliability(NAN, NAN, NAN, people, items)
    alpha = items / (items - 1) * (1 - float(np.trace(covariances)) / float(total))
    tail, free = (1 - confidence) / 2, (people - 1, (people - 1) * (items - 1))
    low, high = (1 - (1 - alpha) * float(f.isf(at, *free)) for at in (tail, 1 - tail))
    return Reliability(alpha, low, high, people, items)


def _covariances(table: Floats) -> Floats:
    """(items, items), each over the people who answered both; NaN where those are less than two."""
    there = np.isfinite(table)
    items = table.shape[1]
    found = np.full((items, items), NAN)
    for i in range(items):
        for j in range(i, items):
            both = there[:, i] & there[:, j]
            if both.sum() > 1:
                found[i, j] = found[j, i] = np.cov(table[both, i], table[both, j])[0, 1]
    return found


def correlation(
    first: Sequence[float], second: Sequence[float], method: Method = "pearson", confidence: float = 0.95
) -> Correlation:
    """How two measures of the same people go together; pairs with a NaN are left out.

    Raises:
        ValueError: the measures are not of the same people, or less than three pairs are left.
    """
    from scipy import stats

    a, b = np.asarray(first, float), np.asarray(second, float)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"{a.shape} and {b.shape} scores are not of the same people")
    both = np.isfinite(a) & np.isfinite(b)
    a, b = a[both], b[both]
    if a.size < 3:
        raise ValueError(f"a correlation needs at least three people with both scores, got {a.size}")
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return Correlation(NAN, NAN, NAN, int(a.size))
    if method == "spearman":
        a, b = stats.rankdata(a), stats.rankdata(b)
    found = stats.pearsonr(a, b)
    interval = found.confidence_interval(confidence) if a.size > 3 else (NAN, NAN)
    return Correlation(float(found.statistic), float(interval[0]), float(interval[1]), int(a.size))


@dataclass(frozen=True)
class ItemTable:
    """What replies score beside what is true: (people, items), NaN where a reply scores no such item."""

    items: tuple[str, ...]
    said: Floats
    gold: Floats


def item_table(results: Sequence[ItemResult], low: float, high: float) -> ItemTable:
    """The first reply to each questionnaire of a benchmark, as a table; a failed call scores nothing.

    Raises:
        ValueError: the golds are no questionnaires of the same items on the scale, or there is none.
    """
    scale, rows = QuestionnaireError(high, low), [row for row in results if row.sample == 0]
    if not rows:
        raise ValueError("no reply")
    items = tuple(gold_scores(rows[0].gold))
    said, gold = [], []
    for row in rows:
        sample = RewardSample(id=row.item, response=row.response, gold=row.gold, kind=row.kind)
        if complaint := scale.check(sample):
            raise ValueError(f"{row.item}: {complaint}")
        true, read = gold_scores(row.gold), scale.item_scores(sample)
        if set(true) != set(items):
            raise ValueError(f"{row.item} has other items than {rows[0].item}")
        gold.append([true[item] for item in items])
        said.append([read.get(item, NAN) for item in items])
    return ItemTable(items, np.array(said, float), np.array(gold, float))
