"""``psyche-rl check CONFIG``: every mistake that can be found without paying, all at once."""

from __future__ import annotations

from typing import Annotated

import typer

from launch.cli.arguments import ConfigPath, Overrides
from launch.given_config import config_and_overrides
from psyche_rl.terminal.plain import echo


def check(
    config: ConfigPath,
    overrides: Overrides = None,
    stage: Annotated[
        list[str] | None, typer.Option("--stage", help="only what this stage needs; may be given again")
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            "--cluster", help="plan for such a cluster: NODESxGPUSxGIB, +N more at most", metavar="2x8x80"
        ),
    ] = None,
) -> None:
    """Look for mistakes in a config and in what it names, and show who sits where.

    Nothing is called, started or downloaded.
    """
    from psyche_rl.config import load_config
    from psyche_rl.errors import ConfigError
    from psyche_rl.placement.cluster_shape import pretended
    from psyche_rl.stages import STAGES

    wanted = tuple(stage or STAGES)
    for name in wanted:
        if name not in STAGES:
            raise ConfigError(f"--stage {name}: no such stage; stages are {', '.join(STAGES)}")
    settings = load_config(*config_and_overrides(config, overrides))
    from launch.checks.plan_table import print_plans
    from launch.checks.preflight import check_run, refuse

    shape = None if cluster is None else pretended(cluster)
    found = check_run(settings, wanted, shape)
    print_plans(found.plans)
    for line in found.unchecked:
        echo(f"not checked: {line}")
    refuse(config, found.problems)
    echo(f"ok: {config}: no mistake found for {', '.join(wanted)}")
