"""``psyche-rl bench contamination``: was a model trained on the exam? Imports what it needs when it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from launch.cli.arguments import AsJson, RunFolder
from launch.cli.bench.sets import Benchmarks, DataFolders
from psyche_rl.terminal.plain import echo

if TYPE_CHECKING:
    from psyche_rl.evaluation.contamination_report import ContaminationReport


def contamination(
    run: RunFolder,
    benchmark: Benchmarks,
    data: DataFolders = None,
    model: Annotated[str, typer.Option(help="which model of the run: sft or grpo")] = "grpo",
    out: Annotated[str | None, typer.Option(help="file for `bench leaderboard --contamination`")] = None,
    as_json: AsJson = False,
) -> None:
    """Look for the items of benchmarks in what a model of a run was trained on; nothing is removed."""
    from data_pipeline.benchmarks.training_overlap import TRAINED_ON, overlap_of_run
    from launch.bench.given_benchmarks import loaded
    from psyche_rl.config.decontamination import DecontaminateConfig
    from psyche_rl.errors import ConfigError
    from psyche_rl.store import RunStore

    if model not in TRAINED_ON:
        raise ConfigError(f"--model {model}: a run trains {' and '.join(TRAINED_ON)}")
    report = overlap_of_run(run, model, loaded(benchmark, data), DecontaminateConfig())
    text = report.model_dump_json(indent=1)
    if out is not None:
        folder, _, name = RunStore(out).url.rpartition("/")
        RunStore(folder).write_text(name, text)
    if as_json:
        echo(text)
    else:
        _print(report)


def _print(report: ContaminationReport) -> None:
    compared = ", ".join(f"{count:,} {kind}" for kind, count in report.compared.items())
    echo(f"{report.run}: {compared} records compared")
    for name, overlap in report.benchmarks.items():
        echo(f"{name}: {len(overlap.found):,} of {overlap.items:,} items in training records")
        for item, hits in list(overlap.found.items())[:10]:
            first = hits[0]
            echo(f"  {item} in {first.record} ({first.kind}), {first.rule} {first.score:g}")
        if len(overlap.found) > 10:
            echo(f"  … and {len(overlap.found) - 10:,} more in the file of --out or in --json")
