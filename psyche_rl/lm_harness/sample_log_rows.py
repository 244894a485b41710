"""lm-eval's logs of samples (``--log_samples``), so that their replies are scored like any others.

Role: reads the rows of a ``samples_*.jsonl``; ``bench score`` takes them where it takes stored replies.
Invariants:
- The id is that of the exported task's document; a row of another task has none and is refused by name.
- Every reply to a repeated item counts, in the order of the log; a log that has a row for each filter gives
  each reply once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from psyche_rl.errors import DataError


def is_sample_row(row: Any) -> bool:
    """Whether a row is a sample that lm-eval has logged."""
    return isinstance(row, Mapping) and {"doc", "resps"} <= row.keys()


class SampleLog:
    """One log, row by row."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def replies(self, row: Mapping[str, Any]) -> list[tuple[str, str]]:
        """(item id, reply) of each reply in a row; none where another filter's row has had them.

        Raises:
            DataError: the row is of a task that psyche-rl did not export.
        """
        doc = row["doc"]
        if not isinstance(doc, Mapping) or not {"id", "item"} <= doc.keys():
            raise DataError(
                "a sample of a task that psyche-rl did not export; make one by "
                "'bench export --format lm-eval'"
            )
        item = str(doc["id"])
        if item in self._seen:
            return []
        self._seen.add(item)
        return [(item, text) for text in _texts(row["resps"])]


def _texts(replies: Any) -> Iterator[str]:
    for each in replies:
        if isinstance(each, str):
            yield each
        else:
            yield from _texts(each)
