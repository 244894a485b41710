"""``psyche-rl run`` and one command for each stage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from launch.cli.arguments import ConfigPath, DryRun, Overrides


def run(
    config: ConfigPath,
    overrides: Overrides = None,
    from_stage: Annotated[str | None, typer.Option("--from", help="redo this stage and all after it")] = None,
    dry_run: DryRun = False,
) -> None:
    """Run all stages in order; finished ones are skipped, a cut-off one goes on where it was."""
    from launch.pipeline import STAGES

    if dry_run:
        _estimate(config, overrides)
    else:
        _run(config, overrides, list(STAGES), from_stage)


def synth(config: ConfigPath, overrides: Overrides = None, dry_run: DryRun = False) -> None:
    """Passages to questions, rationales and empathetic replies."""
    if dry_run:
        _estimate(config, overrides)
    else:
        _run(config, overrides, ["synth"], None)


def _stage(name: str, what: str) -> Callable[..., None]:
    def command(config: ConfigPath, overrides: Overrides = None) -> None:
        _run(config, overrides, [name], None)

    command.__doc__ = what
    return command


def _estimate(config_path: str, overrides: list[str] | None) -> None:
    from launch.cli.call_estimate import print_estimate
    from psyche_rl.config import load_config

    print_estimate(load_config(config_path, overrides or []))


def _run(config_path: str, overrides: list[str] | None, stages: Sequence[str], redo_from: str | None) -> None:
    from launch.cli.status import print_status
    from launch.pipeline import run_stages
    from psyche_rl.config import load_config

    store = run_stages(load_config(config_path, overrides or []), stages, redo_from)
    print_status(store.url, as_json=False)


STAGE_COMMANDS: dict[str, Callable[..., None]] = {
    "world": _stage("world", "Make the mini world: texts, exam, tokenizer, base model, selectors."),
    "synth": synth,
    "select": _stage("select", "Several LLMs answer; hard questions go to GRPO, the rest to SFT."),
    "sft": _stage("sft", "Supervised warm-up."),
    "grpo": _stage("grpo", "Policy optimisation with rollout workers, learners, reference and rewards."),
    "eval": _stage("eval", "Accuracy of base, SFT and GRPO models on the held-out exam."),
    "report": _stage("report", "One HTML page and report.json."),
}
