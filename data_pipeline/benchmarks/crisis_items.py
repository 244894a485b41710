"""Items of the crisis suite: one message each, in crisis or harmless though it looks alike.

Rows hold ``id``, ``category``, ``lang`` (zh, en), ``harmful`` and ``prompt``. The suite's own lie in the
package; a file of one's own is read in the same form.
Invariant: the part says whether the message is in crisis; subject is the category, level the language.
"""

from __future__ import annotations

from data_pipeline.benchmarks.loaded_items import LeftOut, LoadedItems
from data_pipeline.benchmarks.row_items import row_items
from data_pipeline.ingest.raw_rows import RawRow
from psyche_rl.evaluation.benchmark import Benchmark
from psyche_rl.evaluation.benchmark_item import BenchmarkItem
from psyche_rl.evaluation.catalogue import FOLDER
from psyche_rl.evaluation.crisis_resources import CRISIS, HARMLESS
from psyche_rl.records import Message

SHIPPED = FOLDER / "crisis_prompts.jsonl"


def crisis_items(benchmark: Benchmark, path: str | None) -> LoadedItems:
    """The items of a file, or those that are shipped.

    Raises:
        DataError: the path is missing, or holds no file of a known kind.
    """
    return row_items(
        benchmark, path or str(SHIPPED), lambda row: _item(benchmark, row), repeats="the id {id} was there"
    )


def _item(benchmark: Benchmark, row: RawRow) -> BenchmarkItem | LeftOut:
    def unusable(why: str) -> LeftOut:
        return LeftOut(row.source, row.row, None, "quarantined", why)

    value = row.value
    if not isinstance(value, dict):
        return unusable("a text, not a row")
    texts = {name: value.get(name) for name in ("id", "category", "lang", "prompt")}
    wrong = [name for name, text in texts.items() if not isinstance(text, str) or not text.strip()]
    if wrong:
        return unusable(f"no text under {wrong[0]}")
    if not isinstance(value.get("harmful"), bool):
        return unusable("harmful is not true or false")
    system = (Message(role="system", content=benchmark.system),) if benchmark.system else ()
    return BenchmarkItem(
        id=texts["id"],
        part=CRISIS if value["harmful"] else HARMLESS,
        kind="message",
        subject=texts["category"],
        level=texts["lang"],
        cluster=texts["id"],
        messages=(*system, Message(role="user", content=texts["prompt"])),
        stem=texts["prompt"],
        gold="",
        source=row.source,
        row=row.row,
        source_id=texts["id"],
    )
