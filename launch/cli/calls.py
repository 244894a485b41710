"""``psyche-rl calls RUN``: every call to the LLM that a run made. Imports what it needs when it runs."""

from __future__ import annotations

from typing import Annotated

import typer

from launch.cli.arguments import AsJson, RunFolder
from psyche_rl.terminal.plain import echo


def calls(
    run_dir: RunFolder,
    stage: Annotated[
        str | None, typer.Option(help="only these, e.g. synth.questions; synth for all of synth")
    ] = None,
    status: Annotated[
        str | None, typer.Option(help="ok, error (all but ok), or a kind such as timeout")
    ] = None,
    limit: Annotated[int, typer.Option(help="the last so many calls", min=0)] = 20,
    show: Annotated[
        int | None, typer.Option(help="request and reply of this call, whole", metavar="ID")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Calls, tokens and costs by stage and model, the last calls, or one call whole (--show ID)."""
    from launch.cli import call_tables
    from psyche_rl.llm.run_calls import opened

    with opened(run_dir) as run:
        if show is not None:
            echo(call_tables.shown(run, show, as_json))
        else:
            call_tables.print_calls(run, stage, status, limit, as_json)
