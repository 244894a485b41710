"""What a check of this machine found: one row of the doctor's table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "warn", "fail"]
COLOURS: dict[Verdict, str] = {"ok": "green", "warn": "yellow", "fail": "red"}


@dataclass(frozen=True)
class Finding:
    """Whatever is not ok says what to do."""

    what: str
    verdict: Verdict
    found: str
    remedy: str = ""


def print_findings(findings: Sequence[Finding]) -> None:
    """The doctor's table."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from psyche_rl.terminal.console import PlainConsole

    table = Table(box=box.SIMPLE_HEAD)
    for column in ("", "check", "found", "remedy"):
        table.add_column(column, overflow="fold")
    for row in findings:
        verdict = Text(row.verdict, style=COLOURS[row.verdict])
        table.add_row(verdict, row.what, row.found, row.remedy)
    PlainConsole().print(table)
