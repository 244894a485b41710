"""Items of EQ-Bench v2: a dialogue, and four emotions to be rated from 0 to 10.

The file is a mapping from ids to ``{"prompt", "reference_answer_fullscale": {"emotion1": …, "emotion1_score":
…}}``; tables hold the reference as the text of such a mapping. The prompt is sent as the authors wrote it.
"""

from __future__ import annotations

import ast
import json
from typing import Any

from data_pipeline.benchmarks.loaded_items import LeftOut, LoadedItems
from data_pipeline.benchmarks.row_items import row_items
from data_pipeline.ingest.raw_rows import RawRow
from psyche_rl.evaluation.benchmark import Benchmark
from psyche_rl.evaluation.benchmark_item import BenchmarkItem
from psyche_rl.records import Message, content_id

REFERENCE = "reference_answer_fullscale"


def emotion_items(benchmark: Benchmark, path: str) -> LoadedItems:
    """The items of a file.

    Raises:
        DataError: the path is missing, or holds no file of a known kind.
    """
    return row_items(benchmark, path, _item)


def _item(row: RawRow) -> BenchmarkItem | LeftOut:
    def unusable(why: str) -> LeftOut:
        return LeftOut(row.source, row.row, "all", "quarantined", why)

    if not isinstance(row.value, dict):
        return unusable("a text, not a row")
    prompt, reference = row.value.get("prompt"), row.value.get(REFERENCE)
    if not isinstance(prompt, str) or not prompt.strip():
        return unusable("no text under prompt")
    gold = _gold(reference)
    if isinstance(gold, str):
        return unusable(gold)
    written = json.dumps(gold, ensure_ascii=False)
    item_id = content_id("item", prompt, written)
    return BenchmarkItem(
        id=item_id,
        part="all",
        kind="emotions",
        cluster=item_id,
        messages=(Message(role="user", content=prompt),),
        stem=prompt,
        gold=written,
        source=row.source,
        row=row.row,
    )


def _gold(reference: Any) -> dict[str, float] | str:
    """Emotion -> intensity, or what is wrong."""
    try:
        tree = ast.literal_eval(reference) if isinstance(reference, str) else reference
        return {str(tree[f"emotion{n}"]): float(tree[f"emotion{n}_score"]) for n in range(1, 5)}
    except (ValueError, SyntaxError, KeyError, TypeError):
        return f"no four emotions with scores under {REFERENCE}"
