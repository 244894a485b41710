"""Plans of placement on the terminal, before anything is loaded."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from psyche_rl.placement.planner import StagePlan
from psyche_rl.placement.table import COLUMNS, rows

TITLE = "who sits where"


def print_plans(plans: Sequence[StagePlan], console: Console | None = None) -> None:
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
    (console or Console()).print(table)
