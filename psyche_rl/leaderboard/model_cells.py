"""The cells of one model on one benchmark.

Pure. Collaborators: ``benchmark_figures.figures_of`` gives the figures that ``bench score`` shows too, once
over all items and, where some stand in training records, once without those.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence

from psyche_rl.evaluation.benchmark import Benchmark
from psyche_rl.evaluation.benchmark_figures import BenchmarkFigures, figures_of
from psyche_rl.evaluation.cluster_draws import BootstrapSettings
from psyche_rl.evaluation.item_result import ItemResult
from psyche_rl.evaluation.summary_figure import SummaryFigure
from psyche_rl.leaderboard.board_cell import BoardCell

ALL = ""
BESIDES = re.compile(r"format|refusal|language_mix_.+|truncated|response_length")
"""What is measured of every reply besides: shown last, and over the whole benchmark alone."""


def model_cells(
    benchmark: Benchmark,
    rows: Sequence[ItemResult],
    contaminated: frozenset[str] | None,
    settings: BootstrapSettings,
) -> tuple[list[BoardCell], tuple[str, ...]]:
    """The cells, and the names of the figures by which the benchmark's authors rank."""
    whole = figures_of(benchmark, rows, settings)
    leaked = {row.item for row in rows if row.item in (contaminated or ())}
    rest = [row for row in rows if row.item not in leaked]
    clean = figures_of(benchmark, rest, settings) if leaked and rest else None
    cells = []
    for (group, metric), figure in _figures(whole):
        on = [row for row in rows if group in (ALL, row.part)]
        held = {row.item for row in on if row.item in leaked and _counts(row, metric)}
        without = dict(_figures(clean)).get((group, metric)) if clean and held else None
        cells.append(
            BoardCell(
                model=whole.model,
                benchmark=benchmark.name,
                group=group,
                metric=metric,
                value=_finite(figure.value),
                low=_finite(figure.low),
                high=_finite(figure.high),
                confidence=settings.confidence if figure.n else None,
                n=figure.n,
                clusters=figure.clusters,
                unscored=sum(metric in row.unscored for row in on),
                contaminated=None if contaminated is None else len(held),
                value_clean=_finite(without.value) if without else None,
            )
        )
    return cells, whole.headline


def _figures(figures: BenchmarkFigures) -> Iterator[tuple[tuple[str, str], SummaryFigure]]:
    """(group, name) and figure: over the whole benchmark, then by part where there are several."""
    yield from (((ALL, name), figure) for name, figure in figures.figures.items())
    nothing = SummaryFigure(math.nan, math.nan, math.nan, 0, 0)
    yield from (((ALL, name), nothing) for name in figures.unscored if name not in figures.figures)
    parts: Mapping[str, Mapping[str, SummaryFigure]] = figures.by.get("part", {})
    if len(parts) > 1:
        for part, found in parts.items():
            yield from (((part, name), f) for name, f in found.items() if not BESIDES.fullmatch(name))


def _counts(row: ItemResult, figure: str) -> bool:
    """Whether an item has a part in a figure; averages over parts stand on every scored item."""
    of_items = any(figure == name or figure.endswith(f":{name}") for name in (*row.scores, *row.unscored))
    return (of_items and figure not in row.unscored) or (not of_items and bool(row.scores))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
