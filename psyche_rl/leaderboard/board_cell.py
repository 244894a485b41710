"""One figure of the leaderboard, and how it is worked out from the rows that it stands on.

Pure. Collaborators: ``evaluation.item_result`` is the row, ``clustered_mean`` the interval.
Invariants:
- Samples of an item are averaged first: ``n`` counts items, each with the same weight.
- What could not be scored is counted beside the mean, never in it as 0.
- Contamination is a count, or None where nobody has looked; it is never taken for none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from psyche_rl.evaluation.item_result import ItemResult
from psyche_rl.leaderboard.clustered_mean import clustered_interval
from psyche_rl.records import Record


class BoardCell(Record):
    """A model on a group of a benchmark's items by one metric; the row of the parquet file.

    ``group`` is empty for the whole benchmark. ``value`` is in the metric's own unit (accuracies in [0, 1]),
    None where no item has a score. ``low`` and ``high`` bound it with ``confidence``. ``contaminated`` is how
    many of the ``n`` items stand in the model's training records, ``value_clean`` the figure without them.
    Published figures have a ``source`` and no rows behind them.
    """

    model: str
    benchmark: str
    group: str
    metric: str
    value: float | None
    low: float | None = None
    high: float | None = None
    confidence: float | None = None
    n: int | None = None
    clusters: int | None = None
    unscored: int | None = None
    contaminated: int | None = None
    value_clean: float | None = None
    published: bool = False
    source: str | None = None

    @property
    def column(self) -> tuple[str, str, str]:
        """What the cell is compared by."""
        return self.benchmark, self.group, self.metric


@dataclass(frozen=True)
class Resampling:
    """How intervals are made."""

    confidence: float = 0.95
    draws: int = 1000
    seed: int = 0


@dataclass(frozen=True)
class ItemScores:
    """What the items of a group are worth by one metric: id -> (mean over samples, cluster)."""

    values: dict[str, tuple[float, str]]
    unscored: int
    """Replies without this score."""

    @classmethod
    def of(cls, rows: Sequence[ItemResult], metric: str) -> ItemScores:
        """The scores of the rows of one model, or a group of them."""
        scores: defaultdict[str, list[float]] = defaultdict(list)
        clusters: dict[str, str] = {}
        unscored = 0
        for row in rows:
            if metric in row.scores:
                scores[row.item].append(row.scores[metric])
                clusters[row.item] = row.cluster
            else:
                unscored += 1
        return cls({item: (_mean(found), clusters[item]) for item, found in scores.items()}, unscored)

    def without(self, items: Collection[str]) -> ItemScores:
        """The same but for these items."""
        return ItemScores({k: v for k, v in self.values.items() if k not in items}, self.unscored)


def cell_of(
    column: tuple[str, str, str],
    model: str,
    terms: Sequence[ItemScores],
    contaminated: Collection[str] | None,
    resampling: Resampling,
) -> BoardCell:
    """The figure of one model in one column: the mean over ``terms`` of the mean of each.

    Args:
        contaminated: ids of the items that stand in the model's training records; None: not looked.
    """
    benchmark, group, metric = column
    scored = all(term.values for term in terms)
    items = {item: cluster for term in terms for item, (_, cluster) in term.values.items()}
    leaked = None if contaminated is None else {item for item in items if item in contaminated}
    low = high = None
    if scored:
        low, high = clustered_interval(
            [([v for v, _ in t.values.values()], [c for _, c in t.values.values()]) for t in terms],
            resampling.confidence, resampling.draws, resampling.seed,
        )  # fmt: skip
    return BoardCell(
        model=model,
        benchmark=benchmark,
        group=group,
        metric=metric,
        value=_figure(terms),
        low=low,
        high=high,
        confidence=resampling.confidence if scored else None,
        n=len(items),
        clusters=len(set(items.values())),
        unscored=sum(term.unscored for term in terms),
        contaminated=None if leaked is None else len(leaked),
        value_clean=_figure([term.without(leaked) for term in terms]) if leaked else None,
    )


def _figure(terms: Sequence[ItemScores]) -> float | None:
    if not all(term.values for term in terms):
        return None
    return _mean([_mean([value for value, _ in term.values.values()]) for term in terms])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
