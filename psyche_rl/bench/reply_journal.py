"""The replies of a benchmark run as they come: a file of JSON lines that outlives a kill.

Role: remembers what is answered, so that a run that was cut asks only the rest.
Invariants:
- A reply counts as finished once :meth:`ReplyJournal.keep` has returned: it is on the disk (fsync).
- What a killed process was writing is cut off at the next start; a line that is no reply is an error that
  names it.
- A failed ask is written down, and asked again by the next run; the newest line of a key counts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from psyche_rl.bench.item_ask import ItemAsk
from psyche_rl.errors import DataError
from psyche_rl.evaluation.item_scoring import ItemReply
from rewards.text.unicode import whole_characters

Answered = tuple[ItemAsk, ItemReply]


class ReplyJournal:
    """The file ``path``, read at the start and appended to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._replies = self._read()

    def get(self, ask: ItemAsk) -> ItemReply | None:
        """What was replied, failures included."""
        return self._replies.get(ask.key)

    def is_finished(self, ask: ItemAsk) -> bool:
        """Whether there is a reply that did not fail."""
        reply = self._replies.get(ask.key)
        return reply is not None and reply.ended != "failed"

    def keep(self, answered: Iterable[Answered]) -> None:
        """Append replies; they are on the disk when this returns."""
        lines = []
        for ask, reply in answered:
            self._replies[ask.key] = reply
            row = {"key": ask.key, "item": ask.item.id, "sample": ask.sample, **reply._asdict()}
            lines.append(whole_characters(json.dumps(row, ensure_ascii=False)) + "\n")
        with self._path.open("ab") as file:
            file.write("".join(lines).encode())
            file.flush()
            os.fsync(file.fileno())

    def _read(self) -> dict[str, ItemReply]:
        if not self._path.exists():
            return {}
        data = self._path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            with self._path.open("r+b") as file:
                file.truncate(whole)
        found: dict[str, ItemReply] = {}
        for number, line in enumerate(data[:whole].decode("utf-8", "replace").split("\n")[:-1], 1):
            try:
                row = json.loads(line)
                key = row.pop("key")
                found[key] = ItemReply(**{name: row[name] for name in ItemReply._fields})
            except (ValueError, KeyError, TypeError, AttributeError):
                raise DataError(f"{self._path}:{number}: no reply of a run; remove that line") from None
        return found
