"""``psyche-rl bench list``: the benchmarks there are, and where their data are to be had."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from launch.cli.arguments import AsJson
from psyche_rl.terminal.plain import echo


def list_benchmarks(
    name: Annotated[
        str | None, typer.Argument(help="one of them, or a description's path", metavar="NAME")
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="its data: also count items by part, level, subject")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the benchmarks, or tell all of one."""
    from psyche_rl.errors import ConfigError
    from psyche_rl.evaluation.catalogue import find_benchmark, shipped_benchmarks

    if name is None:
        if data is not None:
            raise ConfigError("--data is of one benchmark; give its name as well")
        told = [each.model_dump(mode="json") for each in shipped_benchmarks().values()]
        echo(json.dumps(told, ensure_ascii=False)) if as_json else _print_all(told)
        return
    benchmark = find_benchmark(name)
    one: dict[str, Any] = benchmark.model_dump(mode="json") | {"caution": benchmark.caution}
    if data is not None:
        from data_pipeline.benchmarks.load_items import load_items

        one |= {"counts": load_items(benchmark, data).counts()}
    if as_json:
        echo(json.dumps(one, ensure_ascii=False))
    else:
        import yaml

        echo(yaml.safe_dump(one, allow_unicode=True, sort_keys=False, width=110).rstrip())


def _print_all(told: list[dict[str, Any]]) -> None:
    from rich.table import Table

    from psyche_rl.terminal.console import PlainConsole

    table = Table("name", "language", "what", "loader run on", "how to get the data")
    for each in told:
        table.add_row(each["name"], each["language"], each["title"], each["checked_on"], each["get"])
    PlainConsole().print(table)
