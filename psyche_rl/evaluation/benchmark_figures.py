"""From the rows of one model on one benchmark to its figures, each with an interval.

Role: pure; ``bench score``, the runner and the leaderboard all show what :func:`figures_of` gives.
Collaborators: ``item_scoring`` made the rows, ``cluster_draws`` the intervals, ``composite_figures`` the
benchmark's own averages, ``repeated_samples`` the figures over several replies.
Invariants:
- A figure is over items: several replies to an item count as their mean (avg@k).
- Rows without a score are left out of its figure and counted by its name; nothing is a silent 0.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from psyche_rl.evaluation.benchmark import Benchmark
from psyche_rl.evaluation.cluster_draws import AS_USUAL, BootstrapSettings, ClusterDraws, Floats
from psyche_rl.evaluation.composite_figures import composites
from psyche_rl.evaluation.item_result import ItemResult
from psyche_rl.evaluation.scored_item import OVER_SAMPLES, ItemScores, by_item
from psyche_rl.evaluation.summary_figure import SummaryFigure

BREAKDOWNS: dict[str, Callable[[ItemScores], str | None]] = {
    "part": lambda item: item.row.part,
    "kind": lambda item: item.row.kind,
    "subject": lambda item: item.row.subject,
    "level": lambda item: item.row.level,
}
LENGTH_BINS = 4
TRUNCATED, LENGTH = "truncated", "response_length"
"""Figures of every benchmark: the share of replies that were cut; their mean length in ``length_unit``."""


@dataclass(frozen=True)
class BenchmarkFigures:
    """One model on one benchmark. ``headline`` are the names in ``figures`` by which its authors rank.

    ``by`` maps part, kind, subject, level and length to names and those to figures. ``unscored`` counts rows
    by metric, ``ended`` all rows by how they ended.
    """

    benchmark: str
    version: int
    model: str
    items: int
    replies: int
    clusters: int
    headline: tuple[str, ...]
    figures: dict[str, SummaryFigure]
    by: dict[str, dict[str, dict[str, SummaryFigure]]]
    unscored: dict[str, int]
    ended: dict[str, int]
    length_unit: str
    caution: str | None = None
    left_out: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As JSON-able values."""
        return asdict(self)


def figures_of(
    benchmark: Benchmark,
    results: Sequence[ItemResult],
    settings: BootstrapSettings = AS_USUAL,
    left_out: Mapping[str, int] | None = None,
) -> BenchmarkFigures:
    """All figures of one model.

    Args:
        left_out: how many items of the data were not asked, by why.

    Raises:
        ValueError: there are no rows, or rows of several models.
    """
    models = {row.model for row in results}
    if len(models) != 1:
        raise ValueError(f"figures are of one model, not of {len(models)}")
    items = by_item(results)
    in_tokens = all(row.response_tokens for row in results if row.response)
    draws = ClusterDraws([item.row.cluster for item in items], [item.row.part for item in items], settings)
    figures = _means(items, draws, in_tokens)
    of_authors = {name: each.figure for name, each in composites(benchmark, items, settings).items()}
    by = {name: _broken_down(items, of, settings, in_tokens) for name, of in BREAKDOWNS.items()}
    by["length"] = _broken_down(items, _length_bin(items, in_tokens), settings, in_tokens)
    return BenchmarkFigures(
        benchmark=benchmark.name,
        version=benchmark.version,
        model=next(iter(models)),
        items=len(items),
        replies=len(results),
        clusters=draws.clusters,
        headline=tuple(of_authors) or (benchmark.headline_metric,),
        figures={**of_authors, **figures},
        by=by,
        unscored=dict(Counter(name for row in results for name in row.unscored)),
        ended=dict(Counter(row.ended for row in results)),
        length_unit="tokens" if in_tokens else "characters",
        caution=benchmark.caution,
        left_out=dict(left_out or {}),
    )


def _means(items: Sequence[ItemScores], draws: ClusterDraws, in_tokens: bool) -> dict[str, SummaryFigure]:
    """The mean of everything that items have, by name; pass@k and maj@k if all items have k replies."""
    counts = Counter(name for item in items for name in item.scores)
    names = [n for n in counts if not n.startswith(OVER_SAMPLES) or counts[n] == counts[n.partition(":")[2]]]
    columns: list[list[float]] = [[item.scores.get(name, float("nan")) for item in items] for name in names]
    columns.append([item.truncated for item in items])
    columns.append([item.length(in_tokens) for item in items])
    return summarised([*names, TRUNCATED, LENGTH], np.array(columns, dtype=np.float64).T, items, draws)


def summarised(
    names: Iterable[str], columns: Floats, items: Sequence[ItemScores], draws: ClusterDraws
) -> dict[str, SummaryFigure]:
    """A figure for each column (n, k)."""
    means, drawn = draws.means(columns)
    found = {}
    for at, name in enumerate(names):
        there = np.isfinite(columns[:, at])
        low, high = draws.interval(drawn[:, at])
        clusters = len({item.row.cluster for item, has in zip(items, there, strict=True) if has})
        found[name] = SummaryFigure(float(means[at]), low, high, int(there.sum()), clusters)
    return found


def _broken_down(
    items: Sequence[ItemScores],
    of: Callable[[ItemScores], str | None],
    settings: BootstrapSettings,
    in_tokens: bool,
) -> dict[str, dict[str, SummaryFigure]]:
    groups: dict[str, list[ItemScores]] = defaultdict(list)
    for item in items:
        if (name := of(item)) is not None:
            groups[name].append(item)
    return {
        name: _means(group, ClusterDraws([item.row.cluster for item in group], None, settings), in_tokens)
        for name, group in sorted(groups.items())
    }


def _length_bin(items: Sequence[ItemScores], in_tokens: bool) -> Callable[[ItemScores], str | None]:
    """Which quarter of all replies an item's reply is in, by length: ``1-120``."""
    lengths = np.array([item.length(in_tokens) for item in items])
    edges = np.unique(np.quantile(lengths, np.linspace(0, 1, LENGTH_BINS + 1)).round())

    def of(item: ItemScores) -> str | None:
        at = int(np.searchsorted(edges[1:-1], item.length(in_tokens), side="left"))
        low, high = int(edges[min(at, edges.size - 1)]), int(edges[min(at + 1, edges.size - 1)])
        return f"{low:05d}-{high:05d}"

    return of
