"""How a run ended, in the terminal: its accuracies and where its report is.

Reads what the report stage wrote; prints nothing for a run that has no report. Imports what it needs when it
runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from psyche_rl.terminal.plain import echo

if TYPE_CHECKING:
    from psyche_rl.store import RunStore

REPORT = "report/report.json"


def print_result(store: RunStore) -> None:
    """The table of accuracies and the report's path: the last lines of a run."""
    if not store.exists(REPORT):
        return
    from psyche_rl.report.accuracies import print_accuracies

    told = store.read_json(REPORT)
    if told["evaluation"]:
        print_accuracies(told["evaluation"], told["config"]["eval"]["confidence"])
    echo(f"report: {store.path('report/report.html')}")
