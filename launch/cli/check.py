"""``psyche-rl check CONFIG``: every mistake that can be found without paying, all at once."""

from __future__ import annotations

from typing import Annotated

import typer

STAGES = ("world", "synth", "select", "sft", "grpo", "eval", "report")


def check(
    config: Annotated[str, typer.Argument(help="YAML config", metavar="CONFIG")],
    overrides: Annotated[
        list[str] | None, typer.Argument(help="dotted overrides", metavar="key.sub=value …")
    ] = None,
    stage: Annotated[
        list[str] | None, typer.Option("--stage", help="only what this stage needs; may be given again")
    ] = None,
) -> None:
    """Look for mistakes in a config and in what it names; nothing is called, started or downloaded."""
    from psyche_rl.errors import ConfigError, PsycheError

    try:
        wanted = tuple(stage or STAGES)
        for name in wanted:
            if name not in STAGES:
                raise ConfigError(f"--stage {name}: no such stage; stages are {', '.join(STAGES)}")
        _check(config, overrides or [], wanted)
    except PsycheError as error:
        for line in str(error).splitlines():
            typer.echo(f"error: {line}", err=True)
        raise typer.Exit(error.exit_code) from None


def _check(path: str, overrides: list[str], stages: tuple[str, ...]) -> None:
    from psyche_rl.config import load_config

    config = load_config(path, overrides)
    from launch.checks.preflight import check_run, refuse

    found = check_run(config, stages)
    for line in found.unchecked:
        typer.echo(f"not checked: {line}")
    refuse(path, found.problems)
    typer.echo(f"ok: {path}: no mistake found for {', '.join(stages)}")
