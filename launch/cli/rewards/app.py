"""``psyche-rl rewards …``: the rewards by themselves, put together. Light, as the command line is."""

from __future__ import annotations

import typer

from launch.cli.rewards.extract import extract
from launch.cli.rewards.new import new
from launch.cli.rewards.pools import down, status, up
from launch.cli.rewards.score import score
from launch.cli.rewards.selftest import self_test
from launch.cli.rewards.serve import serve

app = typer.Typer(help="Rewards: read answers, score, serve.", no_args_is_help=True, rich_markup_mode=None)

for _command in (extract, new, up, status, down, serve):
    app.command()(_command)
app.command("test")(self_test)
app.command()(score)
