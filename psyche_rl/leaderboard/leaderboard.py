"""The leaderboard as data: which columns there are, in which order models stand, what is in each cell.

Pure. Collaborators: ``model_cells`` works out cells, ``published_rows`` brings reference rows;
``board_table``, ``board_latex`` and ``board_page`` show it.
Invariants:
- On a benchmark models stand by its first column, best first; those without that figure last.
- The same rows give the same board, in whatever order they were read.
- A model whose name is also that of a published row stays apart from it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from psyche_rl.errors import DataError
from psyche_rl.evaluation.benchmark import Benchmark
from psyche_rl.evaluation.catalogue import shipped_benchmarks
from psyche_rl.evaluation.cluster_draws import AS_USUAL, BootstrapSettings
from psyche_rl.evaluation.item_result import ItemResult
from psyche_rl.leaderboard.board_cell import BoardCell
from psyche_rl.leaderboard.model_cells import ALL, BESIDES, model_cells

Contamination = Mapping[tuple[str, str], frozenset[str]]
"""(model, benchmark) -> ids of the items that stand in its training records; absent: nobody has looked."""


@dataclass(frozen=True)
class BoardRow:
    """A model, or a published row."""

    model: str
    published: bool
    source: str | None
    cells: Mapping[tuple[str, str, str], BoardCell]


@dataclass(frozen=True)
class Leaderboard:
    """The whole.

    - ``columns`` by benchmark, each (group, metric): all of it, its parts, then what is measured besides.
    - ``cautions``: what is to be said of a benchmark.
    """

    rows: tuple[BoardRow, ...]
    columns: Mapping[str, tuple[tuple[str, str], ...]]
    cautions: Mapping[str, str]
    settings: BootstrapSettings

    @property
    def cells(self) -> list[BoardCell]:
        """All cells, row by row."""
        return [cell for row in self.rows for cell in row.cells.values()]

    def rows_of(self, benchmark: str) -> list[BoardRow]:
        """The rows that have a figure on a benchmark, best first by its first column."""
        column = (benchmark, *self.columns[benchmark][0])
        found = [row for row in self.rows if self.lead(row, benchmark) is not None]
        return sorted(found, key=lambda row: _place(row.cells.get(column)))

    def lead(self, row: BoardRow, benchmark: str) -> BoardCell | None:
        """The first figure that a row has on a benchmark."""
        found = (row.cells.get((benchmark, *column)) for column in self.columns[benchmark])
        return next((cell for cell in found if cell is not None), None)


def build(
    results: Iterable[ItemResult],
    published: Sequence[BoardCell] = (),
    contamination: Contamination | None = None,
    settings: BootstrapSettings = AS_USUAL,
    own: Sequence[Benchmark] = (),
) -> Leaderboard:
    """The board over the rows of any number of models and benchmarks.

    ``published`` rows of benchmarks that no model was run on are left out.

    Args:
        own: descriptions of benchmarks that are not shipped.

    Raises:
        DataError: rows are of a benchmark that nobody describes.
    """
    described = shipped_benchmarks() | {benchmark.name: benchmark for benchmark in own}
    by_pair: defaultdict[tuple[str, str], list[ItemResult]] = defaultdict(list)
    for row in results:
        by_pair[row.benchmark, row.model].append(row)
    cells: defaultdict[tuple[bool, str], list[BoardCell]] = defaultdict(list)
    headlines: dict[str, tuple[str, ...]] = {}
    for (benchmark, model), rows in sorted(by_pair.items()):
        if benchmark not in described:
            raise DataError(
                f"results of {model} are on '{benchmark}', which is no shipped benchmark: give its "
                "description with --benchmark FILE.yaml"
            )
        leaked = (contamination or {}).get((model, benchmark))
        ordered = sorted(rows, key=lambda row: row.key)
        found, headline = model_cells(described[benchmark], ordered, leaked, settings)
        cells[False, model] += found
        # Averages over parts are there where a model has all parts: the longest says what can be shown.
        headlines[benchmark] = max(headlines.get(benchmark, ()), headline, key=len)
    for cell in published:
        if cell.benchmark in headlines:
            cells[True, cell.model].append(cell)
    every = [cell for found in cells.values() for cell in found]
    return Leaderboard(
        rows=tuple(
            BoardRow(model, was_published, found[0].source, {cell.column: cell for cell in found})
            for (was_published, model), found in sorted(cells.items())
        ),
        columns={name: _columns(name, every, headline) for name, headline in headlines.items()},
        cautions={name: said for name in headlines if (said := described[name].caution) is not None},
        settings=settings,
    )


def _columns(
    benchmark: str, cells: Sequence[BoardCell], headline: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    leading = (*headline, "mcq_strict", "mcq_elastic")

    def place(column: tuple[str, str]) -> tuple[bool, bool, str, int, str]:
        group, metric = column
        at = leading.index(metric) if metric in leading else len(leading)
        return BESIDES.fullmatch(metric) is not None, group != ALL, group, at, metric

    found = {(cell.group, cell.metric) for cell in cells if cell.benchmark == benchmark}
    return tuple(sorted(found, key=place))


def _place(cell: BoardCell | None) -> tuple[bool, float]:
    value = None if cell is None else cell.value
    return value is None, -(value or 0.0)
