"""``psyche-rl bench view``: item results in inspect's viewer. Imports what it needs when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from launch.cli.bench.leaderboard import Results
from psyche_rl.terminal.plain import echo


def view(
    results: Results,
    out: Annotated[str, typer.Option(help="folder for the viewer, or an earlier one to replace")],
) -> None:
    """Write a static folder in which every item can be read: prompt, reply, rule, key, scores."""
    from psyche_rl.evaluation.result_files import read_results
    from psyche_rl.inspect_logs.bundle import bundle
    from psyche_rl.inspect_logs.item_logs import write_item_logs

    rows = read_results(*results)
    logs = bundle(Path(out).expanduser(), lambda folder: write_item_logs(rows, folder))
    echo(f"{out}: {len(rows)} replies in {logs} logs; python -m http.server -d {out} 8000")
