"""``psyche-rl bench …``: benchmarks, put together. Light, as the command line is."""

from __future__ import annotations

import typer

from launch.cli.bench.agree import agree
from launch.cli.bench.compare import compare
from launch.cli.bench.contamination import contamination
from launch.cli.bench.export import export
from launch.cli.bench.judge import judge
from launch.cli.bench.leaderboard import leaderboard
from launch.cli.bench.list import list_benchmarks
from launch.cli.bench.psychometrics import psychometrics
from launch.cli.bench.run import run
from launch.cli.bench.score import score
from launch.cli.bench.view import view
from launch.cli.errors import Resumable

app = typer.Typer(
    help="Benchmarks: run, judge, list, score stored replies, compare models and judges, show results.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

app.command(cls=Resumable)(run)
app.command()(judge)
app.command("list")(list_benchmarks)
app.command()(score)
app.command()(compare)
app.command()(agree)
app.command()(psychometrics)
app.command()(leaderboard)
app.command()(contamination)
app.command()(view)
app.command()(export)
