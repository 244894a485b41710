"""``psyche-rl``: the command line, put together. Light: stages, Ray and torch come when a command runs."""

from __future__ import annotations

from typing import Annotated

import typer

from launch.cli.bench.app import app as bench_app
from launch.cli.calls import calls
from launch.cli.chat import chat
from launch.cli.check import check
from launch.cli.clean import clean
from launch.cli.compare import compare
from launch.cli.decontaminate import decontaminate
from launch.cli.doctor import doctor
from launch.cli.domain import app as domain_app
from launch.cli.errors import Commands, Resumable, defects_told
from launch.cli.exam import exam
from launch.cli.fleet import scale, workers
from launch.cli.ledger import ledger
from launch.cli.publish import publish
from launch.cli.review import review
from launch.cli.rewards.app import app as rewards_app
from launch.cli.rollouts import rollouts
from launch.cli.run import STAGE_COMMANDS, run
from launch.cli.schema import schema
from launch.cli.status import status
from launch.cli.teacher import teacher
from launch.cli.watch import watch
from psyche_rl.terminal.plain import echo

app = typer.Typer(
    name="psyche-rl",
    cls=Commands,
    help="Turn text into a reasoning model: synth -> select -> sft -> grpo -> eval -> report.",
    no_args_is_help=True,
    invoke_without_command=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.command(cls=Resumable)(run)
for _stage, _command in STAGE_COMMANDS.items():
    app.command(_stage, cls=Resumable)(_command)
for _command in (
    check,
    chat,
    status,
    watch,
    compare,
    workers,
    scale,
    ledger,
    calls,
    review,
    clean,
    decontaminate,
    exam,
    rollouts,
    publish,
    teacher,
    doctor,
    schema,
):
    app.command()(_command)
app.add_typer(bench_app, name="bench")
app.add_typer(rewards_app, name="rewards")
app.add_typer(domain_app, name="domain")


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", help="the version and its commit, then end")] = False,
) -> None:
    """Options of ``psyche-rl`` itself."""
    if version:
        from psyche_rl.store.environment import code_version

        found = code_version()
        commit = (
            f" ({found['commit'][:12]}{', changed' if found['dirty'] else ''})" if "commit" in found else ""
        )
        echo(f"psyche-rl {found['version']}{commit}")
        raise typer.Exit


def main() -> None:
    """Entry point of the ``psyche-rl`` script."""
    with defects_told():
        app()
