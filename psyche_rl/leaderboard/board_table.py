"""The leaderboard in the terminal, as JSON and as parquet.

Collaborators: ``leaderboard`` holds it, ``figure_text`` words a figure.
Invariant: JSON and parquet have every cell and every field of it; the terminal says what it leaves out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psyche_rl.leaderboard.board_cell import BoardCell
from psyche_rl.leaderboard.figure_text import NONE, bounds, contamination, heading, number
from psyche_rl.leaderboard.leaderboard import Leaderboard
from psyche_rl.leaderboard.model_cells import ALL
from psyche_rl.leaderboard.published_rows import NOTE

if TYPE_CHECKING:
    from psyche_rl.terminal.console import PlainConsole


def board_json(board: Leaderboard) -> dict[str, Any]:
    """Everything, for programs: ``{"interval": …, "cells": […]}``, a cell for each figure."""
    chosen = board.settings
    return {
        "interval": {
            "method": "percentile bootstrap over clusters of items",
            "confidence": chosen.confidence,
            "draws": chosen.draws,
            "seed": chosen.seed,
        },
        "benchmarks": {
            name: [{"group": group, "metric": metric} for group, metric in columns]
            for name, columns in board.columns.items()
        },
        "cells": [cell.model_dump() for cell in board.cells],
    }


def print_board(board: Leaderboard, console: PlainConsole, groups: bool = False) -> None:
    """A table for each benchmark; with ``groups`` also its parts."""
    from rich.markup import escape
    from rich.table import Table

    for benchmark, columns in board.columns.items():
        shown = [column for column in columns if groups or column[0] == ALL]
        table = Table(title=escape(benchmark))
        table.add_column("model", overflow="fold")
        for column in shown:
            table.add_column(escape(heading(*column)), justify="right")
        table.add_column("n", justify="right")
        table.add_column("contamination")
        for row in board.rows_of(benchmark):
            lead = board.lead(row, benchmark)
            table.add_row(
                escape(row.model) + (f" ({NOTE})" if row.published else ""),
                *(escape(_cell(row.cells.get((benchmark, *column)))) for column in shown),
                str(lead.n) if lead and lead.n is not None else NONE,
                contamination(lead) if lead else "",
            )
        console.print(table)
        if caution := board.cautions.get(benchmark):
            console.print(f"{benchmark}: {caution}", markup=False, highlight=False)
        hidden = len(columns) - len(shown)
        if hidden:
            console.print(f"{hidden} more columns by part: --groups, or any of the files", markup=False)
    console.print(
        f"brackets: {100 * board.settings.confidence:g} % intervals, {board.settings.draws:,} draws of "
        "whole clusters; compare models by `psyche-rl bench compare`, not by overlapping intervals",
        markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip


def _cell(cell: BoardCell | None) -> str:
    if cell is None:
        return NONE
    within = bounds(cell)
    unscored = f" ({cell.unscored} unscored)" if cell.unscored else ""
    return number(cell.value, cell.metric) + (f" [{within}]" if within else "") + unscored
