"""Replies that are stored in a file, scored without asking a model.

A row is ``{"id", "response"}``, the id being the one that ``psyche-rl exam`` prints (or the id of the set's
own file); ``reasoning``, ``finish_reason``, ``prompt_tokens`` and ``response_tokens`` may stand beside them.
Several rows with one id are several samples. Samples that lm-eval has logged for an exported task are rows
too.
Invariant: every row is scored, or told of with what is wrong with it; items without a reply are counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from data_pipeline.benchmarks.loaded_items import LoadedItems
from data_pipeline.ingest.raw_rows import RawRow, read_rows
from psyche_rl.errors import DataError
from psyche_rl.evaluation.benchmark_item import BenchmarkItem
from psyche_rl.evaluation.item_result import ItemEnd, ItemResult
from psyche_rl.evaluation.item_scoring import ItemReply, score_item
from psyche_rl.llm.finish import reason_of
from psyche_rl.lm_harness.sample_log_rows import SampleLog, is_sample_row

_TEXT = ("response", "reply", "output")


@dataclass(frozen=True)
class BadReply:
    """A row that was not scored, by its number from 1."""

    row: int
    reason: str


@dataclass(frozen=True)
class ScoredReplies:
    """``missing`` are ids of items without a reply; ``set_aside`` counts replies to items that are left out,
    by why these are."""

    results: tuple[ItemResult, ...]
    bad: tuple[BadReply, ...]
    missing: tuple[str, ...]
    set_aside: dict[str, int]


def score_stored(loaded: LoadedItems, path: str, model: str) -> ScoredReplies:
    """Score the replies of a JSONL (or any other row) file.

    Raises:
        DataError: the file is missing or unreadable, or none of its rows is a reply to an item.
    """
    if "://" not in path and not Path(path).is_file():
        raise DataError(f'{path}: no such file; give replies as JSON lines of {{"id", "response"}}')
    items = {item.id: item for item in loaded.items}
    by_source = _by_source_id(loaded.items)
    left = {each.item_id: each.outcome for each in loaded.left_out if each.item_id}
    set_aside: Counter[str] = Counter()
    results: list[ItemResult] = []
    bad: list[BadReply] = []
    samples: Counter[str] = Counter()
    for number, found in _rows(path):
        if isinstance(found, str):
            bad.append(BadReply(number, found))
            continue
        item_id, reply = found
        item = items.get(item_id) or by_source.get(item_id)
        if item is None and item_id in left:
            set_aside[left[item_id]] += 1
        elif item is None:
            bad.append(BadReply(number, f"no item of {loaded.benchmark.name} has the id '{item_id[:80]}'"))
        else:
            results.append(score_item(loaded.benchmark, item, reply, model=model, sample=samples[item.id]))
            samples[item.id] += 1
    if not results:
        first = f"; row {bad[0].row}: {bad[0].reason}" if bad else ""
        raise DataError(f"{path}: none of {len(bad)} rows is a reply to an item{first}")
    missing = tuple(item.id for item in loaded.items if not samples[item.id])
    return ScoredReplies(tuple(results), tuple(bad), missing, dict(set_aside))


def _by_source_id(items: tuple[BenchmarkItem, ...]) -> dict[str, BenchmarkItem]:
    """Items by the id that their file gives, where that names one item."""
    counts = Counter(item.source_id for item in items if item.source_id)
    return {item.source_id: item for item in items if item.source_id and counts[item.source_id] == 1}


def _rows(path: str) -> Iterator[tuple[int, tuple[str, ItemReply] | str]]:
    log = SampleLog()
    for row in read_rows(path, "bench"):
        if not isinstance(row, RawRow):
            yield row.row, row.reason
        elif isinstance(row.value, str):
            yield row.row, "a text, not a row"
        elif is_sample_row(row.value):
            yield from _logged(log, row)
        else:
            yield row.row, _reply(row.value)


def _logged(log: SampleLog, row: RawRow) -> Iterator[tuple[int, tuple[str, ItemReply] | str]]:
    try:
        found = log.replies(cast(dict[str, Any], row.value))
    except DataError as error:
        yield row.row, str(error)
    else:
        yield from ((row.row, (item_id, ItemReply(text))) for item_id, text in found)


def _reply(row: dict[str, Any]) -> tuple[str, ItemReply] | str:
    item_id = row.get("id", row.get("item"))
    if not isinstance(item_id, str | int) or isinstance(item_id, bool):
        return "no 'id'"
    text = next((row[name] for name in _TEXT if name in row), None)
    if text is not None and not isinstance(text, str):
        return f"'response' is not a string but {type(text).__name__}"
    if text is None and "response" not in row:
        return "no 'response'"
    said = row.get("finish_reason")
    ended: ItemEnd = "failed" if text is None else cast(ItemEnd, reason_of(said) or "stop")
    reply = ItemReply(
        text=text or "",
        reasoning=str(row.get("reasoning") or ""),
        ended=ended,
        error="no reply is stored" if text is None else None,
        prompt_tokens=_count(row.get("prompt_tokens")),
        response_tokens=_count(row.get("response_tokens")),
    )
    return str(item_id), reply


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
