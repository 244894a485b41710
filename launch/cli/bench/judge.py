"""``psyche-rl bench judge``: stored results judged by a model, one by one or in pairs."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from launch.cli.arguments import AsJson
from psyche_rl.terminal.plain import echo


def judge(
    first: Annotated[
        str, typer.Argument(help="results.parquet of a model, or its folder", metavar="RESULTS")
    ],
    settings: Annotated[
        list[str] | None, typer.Argument(help="judge.models=… and other keys", metavar="key.sub=value …")
    ] = None,
    against: Annotated[
        str | None, typer.Option(help="another model's results: pairs, in both orders", metavar="RESULTS")
    ] = None,
    benchmark: Annotated[
        list[str] | None, typer.Option(help="description of your own that results are of", metavar="YAML")
    ] = None,
    out: Annotated[
        str, typer.Option(help="folder for what the judges say, and their calls")
    ] = "bench/judged",
    as_json: AsJson = False,
) -> None:
    """Have stored replies judged by the benchmarks' rubrics, or pairwise; a failed judgement is never a 0."""
    from launch.bench.judged_results import judged_pairs, judged_results
    from launch.cli.bench.judge_failures import of_pairs, of_replies, tell_failures
    from psyche_rl.config.bench import bench_config
    from psyche_rl.errors import ConfigError
    from psyche_rl.evaluation.catalogue import find_benchmark
    from psyche_rl.evaluation.result_files import read_results
    from psyche_rl.evaluation.without_nan import without_nan

    config = bench_config(settings or [])
    if not config.judge.models:
        raise ConfigError("say who judges: judge.models=http://host/v1#model, or a folder for engines")
    if against is not None and benchmark:
        raise ConfigError(
            "--benchmark has no use beside --against: pairs are judged by no rubric; leave it out"
        )
    rows = read_results(first)
    if against is None:
        own = {each.name: each for each in map(find_benchmark, benchmark or ())}
        told = judged_results(rows, out, config, own)
    else:
        told = judged_pairs(rows, read_results(against), out, config)
    told = without_nan(told)
    if as_json:
        echo(json.dumps(told, ensure_ascii=False))
    else:
        _print(told)
        echo(f"{out}: judged.json and the rows")
    useless = [
        tell_failures(name, of_replies(found) if against is None else of_pairs(found["judges"]))
        for name, found in told.items()
    ]
    if any(useless):
        raise typer.Exit(1)


def _print(told: dict[str, Any]) -> None:
    for name, figures in told.items():
        echo(f"{name}:")
        for key, value in figures.items():
            echo(f"  {key}: {json.dumps(value, ensure_ascii=False)}")
