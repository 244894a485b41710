"""``psyche-rl compare RUN RUN …``: runs against each other, as tables, as JSON, as a page.

Reads the run folders and takes no lock, so that runs which are still busy can be compared. Imports what it
needs when it runs.
"""

from __future__ import annotations

import json
from typing import Annotated

import typer

from launch.cli.arguments import AsJson
from psyche_rl.terminal.plain import echo


def compare(
    runs: Annotated[
        list[str], typer.Argument(help="two or more run folders: paths or URLs", metavar="RUN …")
    ],
    draws: Annotated[int, typer.Option(help="bootstrap draws", min=1)] = 2000,
    seed: Annotated[int, typer.Option(help="of the bootstrap")] = 0,
    html: Annotated[
        str | None, typer.Option(help="write one page that opens offline", metavar="FILE")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Settings that differ, curves side by side, and final accuracies by paired tests on the same items."""
    from launch.cli.compare_tables import print_comparison
    from psyche_rl.evaluation.cluster_draws import BootstrapSettings
    from psyche_rl.run_comparison import compare_runs

    found = compare_runs(runs, BootstrapSettings(draws, seed))
    if html is not None:
        from psyche_rl.run_comparison.comparison_page import write_comparison

        write_comparison(found, html)
    if as_json:
        echo(json.dumps(found.as_json(), ensure_ascii=False))
    else:
        print_comparison(found)
        if html is not None:
            echo(f"page: {html}")
