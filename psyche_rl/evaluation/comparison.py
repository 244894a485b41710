"""Models against each other on the items that both have answered, all pairs at once.

Collaborators: ``scored_item`` puts replies together by item, ``paired_tests`` compares.
Invariants:
- Only items with a score of both models count; the others are counted as ``unpaired``.
- p is adjusted by Holm over everything that one call compares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from psyche_rl.evaluation.agreement import WinRate, win_rate
from psyche_rl.evaluation.benchmark import Benchmark
from psyche_rl.evaluation.cluster_draws import AS_USUAL, BootstrapSettings
from psyche_rl.evaluation.composite_figures import composites
from psyche_rl.evaluation.item_result import ItemResult
from psyche_rl.evaluation.paired_tests import PairedDifference, compared, compared_draws, holm
from psyche_rl.evaluation.scored_item import ItemScores, by_item


@dataclass(frozen=True)
class ModelComparison:
    """``second`` against ``first`` on one benchmark by one metric. An average over parts has no win rate."""

    benchmark: str
    metric: str
    part: str | None
    first: str
    second: str
    found: PairedDifference
    win_rate: WinRate | None
    unpaired: int
    holm_p: float

    def as_json(self) -> dict[str, Any]:
        """As JSON-able values, in one level."""
        told: dict[str, Any] = asdict(self)
        found: dict[str, Any] = told.pop("found")
        return told | {"first_model": self.first, "second_model": self.second} | found


class _Pair(NamedTuple):
    """What two models have on one benchmark: the items of both, in one order."""

    benchmark: str
    models: tuple[str, str]
    first: dict[str, ItemScores]
    second: dict[str, ItemScores]


_Found = tuple[_Pair, str, str | None, PairedDifference, WinRate | None, int]


def compare_models(
    models: Mapping[str, Sequence[ItemResult]],
    metrics: Sequence[str],
    settings: BootstrapSettings = AS_USUAL,
    by_part: bool = False,
    descriptions: Mapping[str, Benchmark] | None = None,
) -> list[ModelComparison]:
    """All pairs of models on all benchmarks that they share, by each metric that both have scores of.

    Args:
        models: the rows of each, by the name to show.
        by_part: also within each part.
        descriptions: benchmarks by name, whose own averages are compared as well.
    """
    items = {name: _by_benchmark(rows) for name, rows in models.items()}
    found: list[_Found] = []
    for first, second in combinations(items, 2):
        for benchmark in sorted(items[first].keys() & items[second].keys()):
            pair = _Pair(benchmark, (first, second), items[first][benchmark], items[second][benchmark])
            found += _averages(pair, (descriptions or {}).get(benchmark), settings)
            parts = sorted({item.row.part for item in pair.first.values()}) if by_part else []
            for metric in metrics:
                found += [row for part in (None, *parts) for row in _by_items(pair, metric, part, settings)]
    adjusted = holm([difference.p for *_, difference, _, _ in found])
    return [
        ModelComparison(pair.benchmark, metric, part, *pair.models, difference, wins, unpaired, p)
        for (pair, metric, part, difference, wins, unpaired), p in zip(found, adjusted, strict=True)
    ]


def _by_benchmark(rows: Sequence[ItemResult]) -> dict[str, dict[str, ItemScores]]:
    by_name: dict[str, list[ItemResult]] = {}
    for row in rows:
        by_name.setdefault(row.benchmark, []).append(row)
    return {name: {item.row.item: item for item in by_item(of)} for name, of in by_name.items()}


def _averages(pair: _Pair, described: Benchmark | None, settings: BootstrapSettings) -> list[_Found]:
    """The benchmark's own averages, over the items that both models have all scores of."""
    if described is None:
        return []
    names = [name for name in pair.first if name in pair.second]
    both = [name for name in names if pair.first[name].scores.keys() == pair.second[name].scores.keys()]
    ours = composites(described, [pair.first[name] for name in both], settings)
    theirs = composites(described, [pair.second[name] for name in both], settings)
    unpaired = len(pair.first.keys() | pair.second.keys()) - len(both)
    return [
        (pair, name, None, compared_draws(ours[name], theirs[name], settings), None, unpaired)
        for name in ours
        if name in theirs
    ]


def _by_items(pair: _Pair, metric: str, part: str | None, settings: BootstrapSettings) -> list[_Found]:
    """The difference by one metric; none where no item has it of both."""

    def scored(items: Mapping[str, ItemScores]) -> set[str]:
        return {
            name for name, item in items.items() if metric in item.scores and part in (None, item.row.part)
        }

    ours, theirs = scored(pair.first), scored(pair.second)
    both = sorted(ours & theirs)
    if not both:
        return []
    first = np.array([pair.first[name].scores[metric] for name in both])
    second = np.array([pair.second[name].scores[metric] for name in both])
    clusters = [pair.first[name].row.cluster for name in both]
    difference = compared(first, second, clusters, settings)
    wins = win_rate(first, second, clusters, settings)
    return [(pair, metric, part, difference, wins, len(ours ^ theirs))]
