"""Plans of placement on the terminal, before anything is loaded."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from psyche_rl.placement.planner import StagePlan
from psyche_rl.placement.table import COLUMNS, rows
from psyche_rl.terminal.console import PlainConsole

TITLE = "who sits where"


def print_plans(plans: Sequence[StagePlan], console: PlainConsole | None = None) -> None:
    """One table for all of them; nothing where there is no plan."""
    if not plans:
        return
    table = Table(title=TITLE, title_justify="left")
    for column in COLUMNS:
        table.add_column(column)
    for plan in plans:
        for row in rows(plan):
            table.add_row(*row)
        table.add_section()
    (console or PlainConsole()).print(table)
