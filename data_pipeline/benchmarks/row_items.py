"""Files of rows that are items one by one: the loop that loaders of such files share.

Invariant: every row is an item, or left out with the reason; of items with one id the first is asked.
"""

from __future__ import annotations

from collections.abc import Callable

from data_pipeline.benchmarks.loaded_items import LeftOut, LoadedItems
from data_pipeline.ingest.raw_rows import RawRow, read_rows
from psyche_rl.evaluation.benchmark import Benchmark
from psyche_rl.evaluation.benchmark_item import BenchmarkItem
from psyche_rl.records import Quarantined


def row_items(
    benchmark: Benchmark,
    path: str,
    item_of: Callable[[RawRow], BenchmarkItem | LeftOut],
    repeats: str = "the same as {id}",
) -> LoadedItems:
    """The items of a file or folder; ``repeats`` says of a repeat what it is.

    Raises:
        DataError: the path is missing, or holds no file of a known kind.
    """
    items: dict[str, BenchmarkItem] = {}
    left: list[LeftOut] = []
    for row in read_rows(path, "bench"):
        if isinstance(row, Quarantined):
            left.append(LeftOut(row.source, row.row, None, "quarantined", row.reason))
            continue
        found = item_of(row)
        if isinstance(found, LeftOut):
            left.append(found)
        elif found.id in items:
            left.append(LeftOut(row.source, row.row, found.part, "repeat", repeats.format(id=found.id)))
        else:
            items[found.id] = found
    return LoadedItems(benchmark, tuple(items.values()), tuple(left))
