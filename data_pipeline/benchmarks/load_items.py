"""The items of a benchmark, from its data; the one door to all loaders.

Invariant: a set that is not there is an error that says where to get it. Nothing is downloaded unasked.
"""

from __future__ import annotations

from collections.abc import Callable

import fsspec

from data_pipeline.benchmarks.counselling_items import counselling_items
from data_pipeline.benchmarks.crisis_items import crisis_items
from data_pipeline.benchmarks.emotion_items import emotion_items
from data_pipeline.benchmarks.exam_items_of import exam_items
from data_pipeline.benchmarks.loaded_items import LoadedItems
from data_pipeline.benchmarks.mini_items import mini_items
from data_pipeline.benchmarks.open_items import open_items
from psyche_rl.errors import DataError
from psyche_rl.evaluation.benchmark import Benchmark, Loader

_LOADERS: dict[Loader, Callable[[Benchmark, str], LoadedItems]] = {
    "exam": exam_items,
    "eq_bench": emotion_items,
    "dialogues": counselling_items,
    "crisis": crisis_items,
    "open": open_items,
}


def load_items(benchmark: Benchmark, data: str | None) -> LoadedItems:
    """The items of a benchmark from a file or folder (any fsspec URL).

    Raises:
        DataError: the data are missing, unreadable, or hold no item of the benchmark.
    """
    if benchmark.loader == "mini":
        return mini_items(benchmark)
    if benchmark.loader == "crisis" and data is None:
        return crisis_items(benchmark, None)
    if data is None:
        raise DataError(f"benchmark {benchmark.name}: give its data with --data; {benchmark.get}")
    fs, root = fsspec.core.url_to_fs(data)
    if not fs.exists(root):
        raise DataError(f"{data}: no such file or folder for benchmark {benchmark.name}; {benchmark.get}")
    loaded = _LOADERS[benchmark.loader](benchmark, data)
    if not loaded.items:
        first = f"; the first reason: {loaded.left_out[0].reason}" if loaded.left_out else ""
        raise DataError(
            f"{data}: no item of benchmark {benchmark.name} among {len(loaded.left_out)} rows{first}; "
            f"{benchmark.get}"
        )
    return loaded
