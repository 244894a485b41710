"""``psyche-rl bench leaderboard``: stored results as one table. Imports what it needs when it runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from launch.cli.arguments import AsJson
from psyche_rl.terminal.plain import echo

Results = Annotated[list[str], typer.Argument(help="files or folders of item results", metavar="RESULTS…")]


def leaderboard(
    results: Results,
    out: Annotated[
        str | None, typer.Option(help="folder for leaderboard.html, .json, .parquet, .tex")
    ] = None,
    contamination: Annotated[
        list[str] | None,
        typer.Option(help="what `bench contamination` found; repeatable", metavar="MODEL=FILE"),
    ] = None,
    benchmark: Annotated[
        list[str] | None,
        typer.Option(help="description of a benchmark that is not shipped; repeatable", metavar="FILE.yaml"),
    ] = None,
    groups: Annotated[bool, typer.Option("--groups", help="also by part")] = False,
    published: Annotated[bool, typer.Option(help="with the rows that others have published")] = True,
    confidence: Annotated[float, typer.Option(min=0.5, max=0.999, help="of the intervals")] = 0.95,
    draws: Annotated[int, typer.Option(min=1, help="of the bootstrap")] = 2000,
    seed: Annotated[int, typer.Option(help="of the bootstrap")] = 0,
    items: Annotated[int, typer.Option(min=0, help="items of a model and benchmark in the page")] = 5000,
    title: Annotated[str, typer.Option(help="of the page")] = "Leaderboard",
    as_json: AsJson = False,
) -> None:
    """Show every model on every benchmark: figure, interval, n, contamination."""
    from psyche_rl.evaluation.catalogue import find_benchmark
    from psyche_rl.evaluation.cluster_draws import BootstrapSettings
    from psyche_rl.evaluation.contamination_report import read_contamination
    from psyche_rl.evaluation.result_files import read_results
    from psyche_rl.leaderboard import build, published_cells
    from psyche_rl.leaderboard.board_files import write_board
    from psyche_rl.leaderboard.board_table import board_json, print_board

    rows = read_results(*results)
    leaked = read_contamination(contamination or ())
    settings = BootstrapSettings(draws, seed, confidence)
    own = [find_benchmark(name) for name in benchmark or ()]
    board = build(rows, published_cells() if published else (), leaked, settings, own)
    if out is not None:
        write_board(board, rows, leaked, Path(out).expanduser(), title, items)
    if as_json:
        echo(json.dumps(board_json(board), ensure_ascii=False))
        return
    from psyche_rl.terminal.console import PlainConsole

    print_board(board, PlainConsole(), groups)
    if out is not None:
        echo(f"{out}/leaderboard.html, .json, .parquet, .tex")
