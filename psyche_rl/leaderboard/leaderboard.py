"""The leaderboard as data: which columns there are, in which order models stand, what is in each cell.

Pure. Collaborators: ``board_cell`` works out a cell, ``published_rows`` brings reference rows and averages;
``board_table``, ``board_latex`` and ``board_page`` show it.
Invariants:
- On a benchmark models stand by its first column, best first; those without that figure last.
- The same rows give the same board, in whatever order they were read.
- A model whose name is also that of a published row stays apart from it.
- An average over groups is shown only where each of its groups has items.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from psyche_rl.evaluation.item_result import ItemResult
from psyche_rl.leaderboard.board_cell import BoardCell, ItemScores, Resampling, cell_of
from psyche_rl.leaderboard.published_rows import averages

ALL = ""
Contamination = Mapping[tuple[str, str], frozenset[str]]
"""(model, benchmark) -> ids of the items that stand in its training records; absent: nobody has looked."""
_LEADING = ("avg_strict", "avg_elastic", "mcq_strict", "mcq_elastic")
"""Metrics that stand first, in this order."""
_BESIDES = re.compile(r"format|refusal|language_mix_.+")
"""What is measured of every reply besides: last, and over the whole benchmark alone."""
_DEFAULT = Resampling()


@dataclass(frozen=True)
class BoardRow:
    """A model, or a published row."""

    model: str
    published: bool
    source: str | None
    cells: Mapping[tuple[str, str, str], BoardCell]


@dataclass(frozen=True)
class Leaderboard:
    """``columns`` by benchmark, each (group, metric), the whole benchmark first."""

    rows: tuple[BoardRow, ...]
    columns: Mapping[str, tuple[tuple[str, str], ...]]
    resampling: Resampling

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
    resampling: Resampling = _DEFAULT,
) -> Leaderboard:
    """The board over the rows of any number of models and benchmarks.

    ``published`` rows of benchmarks that no model was run on are left out.
    """
    by_pair: defaultdict[tuple[str, str], list[ItemResult]] = defaultdict(list)
    for row in results:
        by_pair[row.model, row.benchmark].append(row)
    benchmarks = sorted({benchmark for _, benchmark in by_pair})
    cells: defaultdict[tuple[str, bool], list[BoardCell]] = defaultdict(list)
    for (model, benchmark), rows in sorted(by_pair.items()):
        leaked = (contamination or {}).get((model, benchmark))
        ordered = sorted(rows, key=lambda row: row.key)
        cells[model, False] += _cells(model, benchmark, ordered, leaked, resampling)
    for cell in published:
        if cell.benchmark in benchmarks:
            cells[cell.model, True].append(cell)
    columns = {name: _columns(name, [c for found in cells.values() for c in found]) for name in benchmarks}
    board_rows = [
        BoardRow(model, was_published, found[0].source, {cell.column: cell for cell in found})
        for (model, was_published), found in cells.items()
    ]
    named = sorted(board_rows, key=lambda row: (row.published, row.model))
    return Leaderboard(tuple(named), columns, resampling)


def _cells(
    model: str,
    benchmark: str,
    rows: Sequence[ItemResult],
    leaked: frozenset[str] | None,
    resampling: Resampling,
) -> list[BoardCell]:
    groups = _groups(rows)
    scores = {
        (group, metric): ItemScores.of(of_group, metric)
        for group, of_group in groups.items()
        for metric in sorted({name for row in of_group for name in (*row.scores, *row.unscored)})
        if group == ALL or not _BESIDES.fullmatch(metric)
    }
    named = averages().get(benchmark, {})
    wanted = {key: [term] for key, term in scores.items()} | {
        (ALL, name): [scores[term] for term in terms]
        for name, terms in named.items()
        if all(term in scores and scores[term].values for term in terms)
    }
    return [
        cell_of((benchmark, *column), model, terms, leaked, resampling) for column, terms in wanted.items()
    ]


def _groups(rows: Sequence[ItemResult]) -> dict[str, list[ItemResult]]:
    groups: dict[str, list[ItemResult]] = {ALL: list(rows)}
    for row in rows:
        groups.setdefault(row.part, []).append(row)
    return groups if len(groups) > 2 else {ALL: groups[ALL]}  # one group is the whole


def _columns(benchmark: str, cells: Sequence[BoardCell]) -> tuple[tuple[str, str], ...]:
    found = {(cell.group, cell.metric) for cell in cells if cell.benchmark == benchmark}
    return tuple(sorted(found, key=lambda column: (column[0] != ALL, column[0], _rank(column[1]), column[1])))


def _rank(metric: str) -> int:
    return _LEADING.index(metric) if metric in _LEADING else len(_LEADING) + bool(_BESIDES.fullmatch(metric))


def _place(cell: BoardCell | None) -> tuple[bool, float]:
    value = None if cell is None else cell.value
    return value is None, -(value or 0.0)
