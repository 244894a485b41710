"""Items of CPsyCounE: every turn of the counsellor, to be said anew after the turns before it.

- A file of dialogues holds a list of turns (``["求助者：…", "支持者：…"]``), or whatever ``exchanges`` reads.
- The folder that a file lies in is the subject (the authors sort the dialogues by topic).
- A dialogue is one cluster; ``level`` is the number of the turn.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import PurePosixPath

import fsspec

from data_pipeline.benchmarks.loaded_items import LeftOut, LoadedItems
from data_pipeline.ingest.exchanges import Exchange, exchanges_of
from data_pipeline.ingest.raw_rows import Input, inputs, rows_of
from data_pipeline.text.decoding import decode
from psyche_rl.evaluation.benchmark import Benchmark
from psyche_rl.evaluation.benchmark_item import BenchmarkItem
from psyche_rl.records import Message, Quarantined, content_id

STAGE = "bench"


def counselling_items(benchmark: Benchmark, path: str) -> LoadedItems:
    """The items of a file or folder of dialogues.

    Raises:
        DataError: the path is missing, or holds no file of a known kind.
    """
    items: dict[str, BenchmarkItem] = {}
    left: list[LeftOut] = []
    for source, row, found in _dialogues(path):
        if isinstance(found, str):
            left.append(LeftOut(source, row, "turn", "quarantined", found))
            continue
        for item in _turns(benchmark, source, row, found):
            if item.id in items:
                left.append(LeftOut(source, row, "turn", "repeat", f"the same as {item.id}"))
            else:
                items[item.id] = item
    return LoadedItems(benchmark, tuple(items.values()), tuple(left))


def _dialogues(path: str) -> Iterator[tuple[str, int, list[Exchange] | str]]:
    """(source, row, the exchanges or why there are none) of each dialogue."""
    for found in inputs(path):
        turns = _list_of_turns(found)
        if turns is not None:
            yield found.source, 1, exchanges_of("\n".join(turns))
            continue
        for row in rows_of(found, STAGE):
            if isinstance(row, Quarantined):
                yield row.source, row.row, row.reason
            else:
                yield row.source, row.row, exchanges_of(row.value)


def _list_of_turns(found: Input) -> list[str] | None:
    """The turns of a JSON file that holds one dialogue."""
    if found.kind != ".json":
        return None
    fs, _ = fsspec.core.url_to_fs(found.path)
    with fs.open(found.file, "rb") as file:
        try:
            tree = json.loads(decode(file.read()).text)
        except ValueError:
            return None
    return tree if isinstance(tree, list) and tree and all(isinstance(turn, str) for turn in tree) else None


def _turns(benchmark: Benchmark, source: str, row: int, dialogue: list[Exchange]) -> Iterator[BenchmarkItem]:
    cluster = content_id("dialogue", *(text for exchange in dialogue for text in exchange))
    folder = PurePosixPath(source).parent.name
    said: list[Message] = [Message(role="system", content=benchmark.system)] if benchmark.system else []
    for turn, (post, reply) in enumerate(dialogue, 1):
        said.append(Message(role="user", content=post))
        yield BenchmarkItem(
            id=content_id("item", *(message.content for message in said), reply),
            part="turn",
            kind="turn",
            subject=folder or None,
            level=str(turn),
            cluster=cluster,
            messages=tuple(said),
            stem=post,
            gold=reply,
            source=source,
            row=row,
        )
        said.append(Message(role="assistant", content=reply))
