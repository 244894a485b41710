"""``psyche-rl workers RUN`` and ``psyche-rl scale RUN``: the rollout workers of a run, from any shell.

The run's folder says in which Ray cluster it runs (``grpo/fleet.json``); RAY_ADDRESS wins over it. Imports
what it needs when it runs.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from launch.cli.arguments import AsJson, RunFolder
from psyche_rl.terminal.plain import echo

if TYPE_CHECKING:
    from actors.rollout.board import FleetPicture, UserSide

FILE = "grpo/fleet.json"
Rollouts = Annotated[str, typer.Option(help="So many workers, or 'auto' for what the config says.")]


def workers(run_dir: RunFolder, as_json: AsJson = False) -> None:
    """The rollout workers of a running stage grpo: state, node, version, load."""
    picture = _board(run_dir).picture()
    if as_json:
        echo(json.dumps(picture and asdict(picture), indent=1))
    elif picture is None:
        echo("no picture yet: the fleet is starting")
    else:
        _print(picture)


def scale(run_dir: RunFolder, rollouts: Rollouts) -> None:
    """Change the number of rollout workers while training goes on; prints what holds from now on."""
    from psyche_rl.errors import ConfigError

    if rollouts != "auto" and not (rollouts.isdecimal() and int(rollouts) >= 1):
        raise ConfigError(f"--rollouts {rollouts}: give a number of at least 1, or auto")
    echo(_board(run_dir).scale(None if rollouts == "auto" else int(rollouts)))


def _board(run_dir: str) -> UserSide:
    """Joins the run's cluster.

    Raises:
        RunFolderError: no running stage has a fleet there.
    """
    from psyche_rl.errors import RunFolderError
    from psyche_rl.store import RunStore

    if not run_dir.startswith("run-"):
        store = RunStore(run_dir)
        if not store.exists(FILE):
            raise RunFolderError(
                f"{run_dir}: no {FILE}: stage grpo has not begun, or is in sync mode (grpo.staleness=0), "
                "where the number of rollout workers is fixed; set grpo.staleness to 1 or more to scale"
            )
        os.environ.setdefault("RAY_ADDRESS", store.read_json(FILE)["address"])
        # A Ray that a run starts asks for its token, and Ray reads of this when it is imported.
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        run_dir = store.url
    from actors.cluster import connect
    from actors.rollout.board import UserSide

    connect()
    return UserSide(run_dir)


def _print(picture: FleetPicture) -> None:
    from rich.table import Table

    from psyche_rl.terminal.console import PlainConsole

    table = Table(title=f"version {picture.version}; {picture.wanted} wanted: {picture.why}")
    for column in ("worker", "state", "for", "node", "pid", "version", "samples", "steps"):
        table.add_column(column, justify="left" if column in ("state", "node") else "right")
    for row in picture.workers:
        table.add_row(
            str(row.id), row.state, f"{row.since_s:.0f} s", row.node[:8], _or_dash(row.pid),
            _or_dash(row.version), str(row.load), str(row.steps),
        )  # fmt: skip
    console = PlainConsole()
    console.print(table)
    console.print(f"{picture.queued} samples wait for a worker")


def _or_dash(number: int | None) -> str:
    return "–" if number is None else str(number)
