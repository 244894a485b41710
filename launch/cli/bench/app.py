"""``psyche-rl bench …``: evaluation, put together. Light, as the command line is."""

from __future__ import annotations

import typer

from launch.cli.bench.contamination import contamination
from launch.cli.bench.export import export
from launch.cli.bench.leaderboard import leaderboard
from launch.cli.bench.view import view

app = typer.Typer(help="Benchmarks: run, score, compare, show.", no_args_is_help=True, rich_markup_mode=None)

for _command in (leaderboard, contamination, view, export):
    app.command()(_command)
