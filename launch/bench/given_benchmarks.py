"""The benchmarks that somebody names, with their data. Imports what it needs when it is called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from data_pipeline.benchmarks.loaded_items import LoadedItems


def loaded(benchmarks: Sequence[str], data: Sequence[str] | None) -> list[LoadedItems]:
    """The items of each benchmark.

    Raises:
        ConfigError: there is no such benchmark, or ``data`` does not say for which it is.
        DataError: the data are missing, unreadable, or hold no item of the benchmark.
    """
    from data_pipeline.benchmarks.load_items import load_items
    from psyche_rl.errors import ConfigError
    from psyche_rl.evaluation.catalogue import find_benchmark

    found = [find_benchmark(name) for name in benchmarks]
    names = [benchmark.name for benchmark in found]
    given: dict[str, str] = {}
    for each in data or ():
        name, between, path = each.partition("=")
        if between and name in names:
            given[name] = path
        elif len(names) == 1:
            given[names[0]] = each
        else:
            raise ConfigError(f"--data {each}: write NAME=PATH, NAME being one of {', '.join(names)}")
    return [load_items(benchmark, given.get(benchmark.name)) for benchmark in found]
