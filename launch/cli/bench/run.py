"""``psyche-rl bench run``: a model on benchmarks, resumable per item."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from launch.cli.arguments import AsJson
from psyche_rl.terminal.plain import echo


def run(
    model: Annotated[
        str, typer.Argument(help="local folder, or an endpoint as http(s)://host/v1#model", metavar="MODEL")
    ],
    settings: Annotated[
        list[str] | None, typer.Argument(help="docs/bench.md lists the keys", metavar="key.sub=value …")
    ] = None,
    benchmark: Annotated[
        list[str] | None, typer.Option(help="name, or path of a description; repeatable", metavar="NAME")
    ] = None,
    data: Annotated[
        list[str] | None, typer.Option(help="file or folder; of one benchmark of several as NAME=PATH")
    ] = None,
    out: Annotated[str | None, typer.Option(help="folder of results; default: bench/<model's name>")] = None,
    name: Annotated[
        str | None, typer.Option(help="name to show; default: the folder's or endpoint's")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask a model all items of benchmarks, score, judge, sum up; the same command goes on after a cut."""
    from launch.bench.bench_folder import named_results
    from launch.bench.bench_run import run_benchmarks
    from launch.bench.given_benchmarks import loaded
    from launch.cli.bench.judge_failures import of_replies, tell_failures
    from launch.cli.bench.score_tables import print_tables
    from psyche_rl.config.bench import bench_config
    from psyche_rl.errors import ConfigError

    if not benchmark:
        raise ConfigError("say which: --benchmark NAME, as `psyche-rl bench list` shows them")
    config = bench_config(settings or [])
    shown, folder = named_results(model, name, out)
    summaries = run_benchmarks(model, shown, loaded(benchmark, data), folder, config)
    if as_json:
        echo(json.dumps(summaries, ensure_ascii=False))
    else:
        for summary in summaries:
            print_tables(summary)
    useless = [tell_failures(summary["benchmark"], of_replies(summary["judges"])) for summary in summaries]
    failed = sum(summary["failed"] for summary in summaries)
    if failed:
        first = next(summary["first_failure"] for summary in summaries if summary["failed"])
        echo(f"{folder}: {failed} items failed, the first: {first}; run again to ask them again", err=True)
        raise typer.Exit(1)
    if any(useless):
        raise typer.Exit(1)
    if not as_json:
        echo(f"{folder}: results.parquet and summary.json of each benchmark")
