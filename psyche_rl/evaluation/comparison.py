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
from typing import Any

import numpy as np

from psyche_rl.evaluation.agreement import WinRate, win_rate
from psyche_rl.evaluation.cluster_draws import AS_USUAL, BootstrapSettings
from psyche_rl.evaluation.item_result import ItemResult
from psyche_rl.evaluation.paired_tests import PairedDifference, compared, holm
from psyche_rl.evaluation.scored_item import ItemScores, by_item


@dataclass(frozen=True)
class ModelComparison:
    """``second`` against ``first`` on one benchmark by one metric."""

    benchmark: str
    metric: str
    part: str | None
    first: str
    second: str
    found: PairedDifference
    win_rate: WinRate
    unpaired: int
    holm_p: float

    def as_json(self) -> dict[str, Any]:
        """As JSON-able values, in one level."""
        told: dict[str, Any] = asdict(self)
        found: dict[str, Any] = told.pop("found")
        return told | {"first_model": self.first, "second_model": self.second} | found


def compare_models(
    models: Mapping[str, Sequence[ItemResult]],
    metrics: Sequence[str],
    settings: BootstrapSettings = AS_USUAL,
    by_part: bool = False,
) -> list[ModelComparison]:
    """All pairs of models on all benchmarks that they share, by each metric that both have scores of.

    Args:
        models: the rows of each, by the name to show.
        by_part: also within each part.
    """
    items = {name: _by_benchmark(rows) for name, rows in models.items()}
    found: list[tuple[tuple[str, str, str | None, str, str], PairedDifference, WinRate, int]] = []
    for first, second in combinations(items, 2):
        for benchmark in sorted(items[first].keys() & items[second].keys()):
            ours, theirs = items[first][benchmark], items[second][benchmark]
            parts = sorted({item.row.part for item in ours.values()}) if by_part else []
            for metric in metrics:
                for part in (None, *parts):
                    pair = _paired(ours, theirs, metric, part, settings)
                    if pair is not None:
                        found.append(((benchmark, metric, part, first, second), *pair))
    adjusted = holm([difference.p for _, difference, *_ in found])
    return [
        ModelComparison(*names, found=difference, win_rate=wins, unpaired=unpaired, holm_p=p)
        for (names, difference, wins, unpaired), p in zip(found, adjusted, strict=True)
    ]


def _by_benchmark(rows: Sequence[ItemResult]) -> dict[str, dict[str, ItemScores]]:
    by_name: dict[str, list[ItemResult]] = {}
    for row in rows:
        by_name.setdefault(row.benchmark, []).append(row)
    return {name: {item.row.item: item for item in by_item(of)} for name, of in by_name.items()}


def _paired(
    ours: Mapping[str, ItemScores],
    theirs: Mapping[str, ItemScores],
    metric: str,
    part: str | None,
    settings: BootstrapSettings,
) -> tuple[PairedDifference, WinRate, int] | None:
    """What the items say that both have, and how many only one has."""

    def scored(items: Mapping[str, ItemScores]) -> set[str]:
        return {
            name for name, item in items.items() if metric in item.scores and part in (None, item.row.part)
        }

    both = sorted(scored(ours) & scored(theirs))
    if not both:
        return None
    first = np.array([ours[name].scores[metric] for name in both])
    second = np.array([theirs[name].scores[metric] for name in both])
    clusters = [ours[name].row.cluster for name in both]
    wins = win_rate(first, second, clusters, settings)
    return compared(first, second, clusters, settings), wins, len(scored(ours) ^ scored(theirs))
