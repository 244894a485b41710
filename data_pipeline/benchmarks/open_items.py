"""Items of open questions: a text, and a gold that metrics and judges compare replies with.

Rows are those that ``data.train_questions`` takes; ``subject`` and ``level`` go by the description's rules.
"""

from __future__ import annotations

from data_pipeline.benchmarks.exam_items_of import OUTSIDE, question_item
from data_pipeline.benchmarks.loaded_items import LeftOut, LoadedItems
from data_pipeline.benchmarks.parts import part_of
from data_pipeline.benchmarks.row_items import row_items
from data_pipeline.ingest.open_questions import UnusableRowError, has_options, open_question
from data_pipeline.ingest.raw_rows import RawRow
from psyche_rl.evaluation.benchmark import Benchmark
from psyche_rl.evaluation.benchmark_item import BenchmarkItem


def open_items(benchmark: Benchmark, path: str) -> LoadedItems:
    """The items of a file or folder.

    Raises:
        DataError: the path is missing, or holds no file of a known kind.
    """
    return row_items(benchmark, path, lambda row: _item(benchmark, row))


def _item(benchmark: Benchmark, row: RawRow) -> BenchmarkItem | LeftOut:
    value = row.value
    if not isinstance(value, str):
        value = {benchmark.columns.get(name, name): held for name, held in value.items()}
    try:
        if has_options(value):
            raise UnusableRowError("it has options; the loader exam reads such rows")
        question = open_question(value, row.source)
    except UnusableRowError as error:
        return LeftOut(row.source, row.row, None, "quarantined", str(error))
    columns = value if isinstance(value, dict) else {}
    part = part_of(benchmark, row.source, question.kind, question.gold, columns)
    if part is None:
        return LeftOut(row.source, row.row, None, "outside", OUTSIDE, question.id)
    return question_item(benchmark, question, part, row.row, columns)
