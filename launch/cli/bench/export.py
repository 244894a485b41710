"""``psyche-rl bench export``: benchmarks as tasks of other harnesses. Imports what it needs when it runs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from launch.cli.bench.sets import Benchmarks, DataFolders
from psyche_rl.terminal.plain import echo

FORMATS = ("lm-eval",)


def export(
    benchmark: Benchmarks,
    out: Annotated[str, typer.Option(help="folder of tasks, for lm_eval's --include_path")],
    data: DataFolders = None,
    form: Annotated[str, typer.Option("--format", help=", ".join(FORMATS))] = "lm-eval",
) -> None:
    """Write each benchmark as a task that asks the same prompts and gives the same scores."""
    from launch.bench.given_benchmarks import loaded
    from psyche_rl.errors import ConfigError
    from psyche_rl.lm_harness.task_export import export_task

    if form not in FORMATS:
        raise ConfigError(f"--format {form}: no such format; formats are {', '.join(FORMATS)}")
    for found in loaded(benchmark, data):
        done = export_task(found.benchmark, found.items, Path(out).expanduser())
        echo(f"{out}/{done.task}: {done.items} items; lm_eval --include_path {out} --tasks {done.task}")
        for reason, count in Counter(why for _, why in done.left_out).items():
            echo(f"{done.task}: {count} items left out: {reason}", err=True)
