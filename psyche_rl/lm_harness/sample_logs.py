"""lm-eval's logs of samples (``--log_samples``) as stored replies, so that they are scored like any others.

Role: reads ``samples_*.jsonl`` into ``{"id", "response"}``. Invariants:
- The id is that of the exported task's document; a log of another task has none and is refused by name.
- Every sample of a repeated item is a reply of its own, in the order of the log; a log that has one line for
  each filter is read once for each reply.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from psyche_rl.errors import DataError


class StoredReply(NamedTuple):
    """A reply to an item; ``sample`` counts those to the same item from 0."""

    id: str
    response: str
    sample: int = 0


def is_sample_log(row: Any) -> bool:
    """Whether a line's object is one of lm-eval's logged samples."""
    return isinstance(row, dict) and {"doc", "resps"} <= row.keys()


def logged_replies(path: Path) -> list[StoredReply]:
    """The replies of a log, or of all ``samples_*.jsonl`` in a folder.

    Raises:
        DataError: there is none, a line is no logged sample, or its document has no id of ours.
    """
    files = sorted(path.rglob("samples_*.jsonl")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise DataError(f"{path}: no samples_*.jsonl there; run lm_eval with --log_samples --output_path")
    found: list[StoredReply] = []
    counts: dict[str, int] = {}
    for file in files:
        seen: set[str] = set()
        for number, line in enumerate(_lines(file), 1):
            row = _row(line, f"{file}:{number}")
            item = str(row["doc"]["id"])
            if item in seen:
                continue  # the same replies through another filter
            seen.add(item)
            for response in _texts(row["resps"]):
                found.append(StoredReply(item, response, counts.get(item, 0)))
                counts[item] = counts.get(item, 0) + 1
    return found


def _lines(file: Path) -> list[str]:
    """Not ``splitlines``: a reply may hold line separators that JSON leaves as they are."""
    return [line for line in file.read_text("utf-8").split("\n") if line.strip()]


def _row(line: str, place: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise DataError(f"{place}: no JSON ({error}); bring back a whole copy of the log") from None
    if not is_sample_log(row):
        raise DataError(f"{place}: no sample logged by lm-eval (it would have doc and resps)")
    if not isinstance(row["doc"], dict) or not {"id", "item"} <= row["doc"].keys():
        raise DataError(
            f"{place}: a task that psyche-rl did not export; make one by "
            "`psyche-rl bench export --format lm-eval`"
        )
    return row


def _texts(responses: Any) -> Iterator[str]:
    for each in responses:
        if isinstance(each, str):
            yield each
        else:
            yield from _texts(each)
