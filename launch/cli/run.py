"""``psyche-rl run`` and one command for each stage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from launch.cli.arguments import ConfigPath, DryRun, Overrides, StealLock
from launch.given_config import config_and_overrides
from psyche_rl.stages import STAGES


def run(
    config: ConfigPath,
    overrides: Overrides = None,
    from_stage: Annotated[
        str | None, typer.Option("--from", help=f"redo this stage and all after it: {', '.join(STAGES)}")
    ] = None,
    dry_run: DryRun = False,
    steal_lock: StealLock = False,
) -> None:
    """Run all stages in order; finished ones are skipped, a cut-off one goes on where it was."""
    if dry_run:
        _estimate(config, overrides)
    else:
        _run(config, overrides, list(STAGES), from_stage, steal_lock)


def synth(
    config: ConfigPath, overrides: Overrides = None, dry_run: DryRun = False, steal_lock: StealLock = False
) -> None:
    """Passages to questions, rationales and empathetic replies."""
    if dry_run:
        _estimate(config, overrides)
    else:
        _run(config, overrides, ["synth"], None, steal_lock)


def _stage(name: str, what: str) -> Callable[..., None]:
    def command(config: ConfigPath, overrides: Overrides = None, steal_lock: StealLock = False) -> None:
        _run(config, overrides, [name], None, steal_lock)

    command.__doc__ = what
    return command


def _estimate(config_path: str, overrides: list[str] | None) -> None:
    from launch.cli.call_estimate import print_estimate
    from psyche_rl.config import load_config

    print_estimate(load_config(*config_and_overrides(config_path, overrides)))


def _run(
    config_path: str,
    overrides: list[str] | None,
    stages: Sequence[str],
    redo_from: str | None,
    steal_lock: bool,
) -> None:
    from launch.cli.result import print_result
    from launch.cli.status import print_status
    from launch.pipeline import run_stages
    from psyche_rl.config import load_config

    config = load_config(*config_and_overrides(config_path, overrides))
    store = run_stages(config, stages, redo_from, steal_lock)
    print_status(store.url, as_json=False)
    if "report" in stages:
        print_result(store)


STAGE_COMMANDS: dict[str, Callable[..., None]] = {
    name: synth if name == "synth" else _stage(name, f"{spec.does[0].upper()}{spec.does[1:]}.")
    for name, spec in STAGES.items()
}
