"""``psyche-rl``: the command line. Light: stages, Ray and torch are imported when a command runs."""

from __future__ import annotations

from typing import Annotated

import typer

from launch.cli.calls import calls
from launch.cli.check import check
from launch.cli.decontaminate import decontaminate
from launch.cli.publish import publish
from launch.cli.review import review
from launch.cli.rewards import app as rewards_app
from launch.cli.teacher import teacher

app = typer.Typer(
    name="psyche-rl",
    help="Turn psychology text into a reasoning model: synth -> select -> sft -> grpo -> eval -> report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.add_typer(rewards_app, name="rewards")

ConfigPath = Annotated[
    str, typer.Argument(help="YAML config, e.g. launch/configs/mini.yaml", metavar="CONFIG")
]
Overrides = Annotated[list[str] | None, typer.Argument(help="dotted overrides", metavar="key.sub=value …")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="only estimate the calls to the teacher, their tokens and cost")
]
RunFolder = Annotated[str, typer.Argument(help="run folder: path or URL", metavar="RUN")]


@app.command()
def run(
    config: ConfigPath,
    overrides: Overrides = None,
    from_stage: Annotated[str | None, typer.Option("--from", help="redo this stage and all after it")] = None,
    dry_run: DryRun = False,
) -> None:
    """Run all stages in order; finished ones are skipped, a cut-off one goes on where it was."""
    from launch.pipeline import STAGES

    if dry_run:
        _guarded(lambda: _estimate(config, overrides))
        return
    _run(config, overrides, list(STAGES), from_stage)


def _stage_command(stage: str, what: str) -> None:
    def command(config: ConfigPath, overrides: Overrides = None) -> None:
        _run(config, overrides, [stage], None)

    app.command(name=stage, help=what)(command)


_stage_command("world", "Make the mini world: texts, exam, tokenizer, base model, selectors.")


@app.command()
def synth(config: ConfigPath, overrides: Overrides = None, dry_run: DryRun = False) -> None:
    """Passages to questions, rationales and empathetic replies."""
    if dry_run:
        _guarded(lambda: _estimate(config, overrides))
    else:
        _run(config, overrides, ["synth"], None)


for _stage, _what in {
    "select": "Several LLMs answer; hard questions go to GRPO, the rest to SFT.",
    "sft": "Supervised warm-up.",
    "grpo": "Policy optimisation with rollout workers, learners, reference and rewards.",
    "eval": "Accuracy of base, SFT and GRPO models on the held-out exam.",
    "report": "One HTML page and report.json.",
}.items():
    _stage_command(_stage, _what)


@app.command()
def status(run_dir: RunFolder, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Stages, counts and times of a run folder."""
    from launch.cli.status import print_status

    _guarded(lambda: print_status(run_dir, as_json))


app.command()(check)
app.command()(calls)
app.command()(review)
app.command()(decontaminate)
app.command()(publish)
app.command()(teacher)


@app.command()
def doctor(smoke: Annotated[bool, typer.Option(help="start each engine for a few seconds")] = True) -> None:
    """Check Python, libraries, devices, memory and engines; the exit code tells."""
    from launch.checks.doctor import run_doctor

    raise typer.Exit(run_doctor(smoke))


@app.command()
def schema(out: Annotated[str, typer.Argument(help="folder for the JSON Schema files")]) -> None:
    """Export the JSON Schema of every record."""
    import json
    from pathlib import Path

    from psyche_rl.records import ALL_RECORDS

    Path(out).mkdir(parents=True, exist_ok=True)
    for kind in ALL_RECORDS:
        text = json.dumps(kind.model_json_schema(), ensure_ascii=False, indent=1)
        Path(out, f"{kind.__name__}.schema.json").write_text(text, "utf-8")


def _estimate(config_path: str, overrides: list[str] | None) -> None:
    from launch.cli.call_estimate import print_estimate
    from psyche_rl.config import load_config

    print_estimate(load_config(config_path, overrides or []))


def _run(config_path: str, overrides: list[str] | None, stages: list[str], redo_from: str | None) -> None:
    def work() -> None:
        from launch.cli.status import print_status
        from launch.pipeline import run_stages
        from psyche_rl.config import load_config

        store = run_stages(load_config(config_path, overrides or []), stages, redo_from)
        print_status(store.url, as_json=False)

    _guarded(work)


def _guarded(work) -> None:  # type: ignore[no-untyped-def]
    from psyche_rl.errors import PsycheError

    try:
        work()
    except PsycheError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        typer.echo("interrupted; the same command goes on from here", err=True)
        raise typer.Exit(130) from None


def main() -> None:
    """Entry point of the ``psyche-rl`` script."""
    app()
