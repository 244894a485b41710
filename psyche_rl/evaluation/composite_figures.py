"""A benchmark's own averages over its parts (see ``headline``), with intervals over clusters.

The means of all parts are drawn together, so that an average over parts has the interval of that average.
Invariant: an average whose parts are not all there is left out, never made of fewer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from psyche_rl.evaluation.benchmark import Benchmark
from psyche_rl.evaluation.cluster_draws import BootstrapSettings, ClusterDraws, Floats
from psyche_rl.evaluation.headline import ELASTIC, PCEB_TOPICS, STRICT, pceb_average
from psyche_rl.evaluation.scored_item import ItemScores
from psyche_rl.evaluation.summary_figure import SummaryFigure


@dataclass(frozen=True)
class DrawnFigure:
    """A figure, and its value in each draw: two models' draws over the same items are paired."""

    figure: SummaryFigure
    drawn: Floats


Figures = dict[str, DrawnFigure]


def composites(benchmark: Benchmark, items: Sequence[ItemScores], settings: BootstrapSettings) -> Figures:
    """The averages that the description's ``headline`` names; empty for ``mean``."""
    if benchmark.headline == "pceb":
        return _pceb(items, settings)
    if benchmark.headline == "cpsyexam":
        return _cpsyexam(items, settings)
    if benchmark.headline == "groups_right":
        return _groups_right(benchmark, items, settings)
    return {}


@dataclass(frozen=True)
class _Cells:
    """Means of several groups of items at once: as found (k,), and drawn (draws, k)."""

    found: Floats
    drawn: Floats
    draws: ClusterDraws
    n: int

    def figure(self, value: float, drawn: Floats) -> DrawnFigure:
        low, high = self.draws.interval(drawn)
        return DrawnFigure(SummaryFigure(float(value), low, high, self.n, self.draws.clusters), drawn)


def _cells(items: Sequence[ItemScores], masks: Sequence[Floats], settings: BootstrapSettings) -> _Cells:
    """``masks`` are columns (n,) with NaN for items outside a group."""
    columns = np.stack(masks, axis=1)
    taken = np.asarray(np.isfinite(columns).any(axis=1))
    inside = [item for item, is_in in zip(items, taken, strict=True) if is_in]
    draws = ClusterDraws([i.row.cluster for i in inside], [i.row.part for i in inside], settings)
    found, drawn = draws.means(columns[taken])
    return _Cells(found, drawn, draws, len(inside))


def _column(items: Sequence[ItemScores], name: str, taken: Sequence[bool]) -> Floats:
    return np.array(
        [
            item.scores.get(name, np.nan) if is_in else np.nan
            for item, is_in in zip(items, taken, strict=True)
        ],
        dtype=np.float64,
    )


def _pceb(items: Sequence[ItemScores], settings: BootstrapSettings) -> Figures:
    def part(name: str, metric: str) -> Floats:
        return _column(items, metric, [item.row.part == name for item in items])

    single = [part(f"{topic}_single", STRICT) for topic in PCEB_TOPICS]
    multiple = [part(f"{topic}_multiple", STRICT) for topic in PCEB_TOPICS]
    elastic = [part(f"{topic}_multiple", ELASTIC) for topic in PCEB_TOPICS]
    if not all(np.isfinite(column).any() for column in (*single, *multiple, *elastic)):
        return {}
    cells = _cells(items, (*single, *multiple, *elastic), settings)
    k = len(PCEB_TOPICS)
    found = pceb_average(*(list(cells.found[at : at + k]) for at in (0, k, 2 * k)))
    drawn = pceb_average(*(list(cells.drawn[:, at : at + k].T) for at in (0, k, 2 * k)))
    return {
        name: cells.figure(float(value), np.asarray(draw))
        for name, value, draw in zip(("pceb_avg", "pceb_avg_elastic"), found, drawn, strict=True)
    }


def _cpsyexam(items: Sequence[ItemScores], settings: BootstrapSettings) -> Figures:
    by_kind: dict[str, dict[str, list[bool]]] = defaultdict(dict)
    for at, item in enumerate(items):
        kind = "mrqa" if item.row.part.endswith("multiple") else "mcqa"
        subject = f"{item.row.part} {item.row.subject}"
        by_kind[kind].setdefault(subject, [False] * len(items))[at] = True
    places = {kind: [_column(items, STRICT, taken) for taken in of.values()] for kind, of in by_kind.items()}
    columns = [column for kind in sorted(places) for column in places[kind]]
    if set(places) != {"mcqa", "mrqa"} or not all(np.isfinite(column).any() for column in columns):
        return {}
    cells = _cells(items, columns, settings)
    first = len(places["mcqa"])
    mcqa = cells.found[:first].mean(), _means_of_rows(cells.drawn[:, :first])
    mrqa = cells.found[first:].mean(), _means_of_rows(cells.drawn[:, first:])
    return {
        "cpsyexam_avg": cells.figure((mcqa[0] + mrqa[0]) / 2, (mcqa[1] + mrqa[1]) / 2),
        "mcqa": cells.figure(*mcqa),
        "mrqa": cells.figure(*mrqa),
    }


def _means_of_rows(drawn: Floats) -> Floats:
    """The mean over the subjects that a draw holds, NaN where it holds none."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nansum(drawn, axis=1) / np.isfinite(drawn).sum(axis=1), dtype=np.float64)


def _groups_right(benchmark: Benchmark, items: Sequence[ItemScores], settings: BootstrapSettings) -> Figures:
    """Over groups, all and by level (EmoBench's language); a group that lacks one of its questions' scores
    counts neither as right nor as wrong."""
    groups: dict[str, list[ItemScores]] = defaultdict(list)
    for item in items:
        if item.row.part in benchmark.group:
            groups[item.row.cluster].append(item)
    whole = [group for group in groups.values() if len(group) > 1 and all(STRICT in g.scores for g in group)]
    if not whole:
        return {}
    of_language: dict[str, list[list[ItemScores]]] = {}
    for group in whole:
        if group[0].row.level is not None:
            of_language.setdefault(f"groups_right:{group[0].row.level}", []).append(group)
    found = {"groups_right": _share_right(whole, settings)}
    return found | {name: _share_right(of, settings) for name, of in sorted(of_language.items())}


def _share_right(whole: Sequence[Sequence[ItemScores]], settings: BootstrapSettings) -> DrawnFigure:
    right = np.array([[min(item.scores[STRICT] for item in group)] for group in whole])
    draws = ClusterDraws([group[0].row.cluster for group in whole], None, settings)
    means, drawn = draws.means(right)
    return _Cells(means, drawn, draws, len(whole)).figure(float(means[0]), drawn[:, 0])
