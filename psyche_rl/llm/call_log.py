"""Looking at finished calls: which there were, what one of them said, what they used.

Reads the file that ``call_cache`` writes, also while it is being written; never writes to it.
Invariant: nothing is shown that is not in the file, and the file holds no keys.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psyche_rl.config.teacher import PriceConfig
from psyche_rl.llm.usage import FREE, Usage, cost_of

_COLUMNS = (
    "id, stage, model, endpoint, status, message, attempts, seconds, prompt_tokens, completion_tokens, time"
)


@dataclass(frozen=True, slots=True)
class LoggedCall:
    """One call that ended. ``status`` is "ok" or a :class:`CallFailure`'s kind; ``time`` is UNIX seconds."""

    id: int
    stage: str
    model: str
    endpoint: str
    status: str
    message: str
    attempts: int
    seconds: float
    prompt_tokens: int
    completion_tokens: int
    time: float


@dataclass(frozen=True, slots=True)
class WholeCall:
    """A call with the body that was sent and the reply's text (None where there was none)."""

    call: LoggedCall
    request: dict[str, Any]
    reply: str | None


class CallLog:
    """Opens the file for reading; closes with :meth:`close`."""

    def __init__(self, path: str | Path) -> None:
        self._db = sqlite3.connect(f"{Path(path).resolve().as_uri()}?mode=ro", uri=True)
        names = {name for (name,) in self._db.execute("SELECT name FROM sqlite_master")}
        self._is_kept = "log" in names  # files of before there was a log hold answers only

    def calls(self, stage: str | None = None, status: str | None = None, limit: int = 20) -> list[LoggedCall]:
        """The last calls, oldest first.

        Args:
            stage: "synth" also stands for "synth.questions".
            status: a status, or "error" for every one but "ok".
        """
        where, values = _where(stage, status)
        query = f"SELECT {_COLUMNS} FROM log {where} ORDER BY id DESC LIMIT ?"
        rows = self._db.execute(query, (*values, limit)).fetchall() if self._is_kept else []
        return [LoggedCall(*row) for row in reversed(rows)]

    def whole(self, call_id: int) -> WholeCall | None:
        """One call with request and reply, None if there is none of that number."""
        if not self._is_kept:
            return None
        row = self._db.execute(f"SELECT {_COLUMNS} FROM log WHERE id = ?", (call_id,)).fetchone()
        if row is None:
            return None
        call = LoggedCall(*row)
        query = (  # a call with a reply has its request beside it, whatever became of it
            "SELECT COALESCE(l.request, c.request), CASE WHEN l.request IS NULL THEN c.reply END"
            " FROM log l LEFT JOIN calls c ON c.key = l.key WHERE l.id = ?"
        )
        body, reply = self._db.execute(query, (call_id,)).fetchone()
        return WholeCall(call, json.loads(body), reply)

    def statuses(self, stage: str | None = None) -> dict[str, int]:
        """Status -> number of calls."""
        where, values = _where(stage, None)
        query = f"SELECT status, COUNT(*) FROM log {where} GROUP BY 1 ORDER BY 2 DESC, 1"
        return dict(self._db.execute(query, values).fetchall()) if self._is_kept else {}

    def usage(self, prices: Mapping[str, PriceConfig], stage: str | None = None) -> list[Usage]:
        """Calls, tokens and costs of all sessions so far, by stage and model."""
        where, values = _where(stage, None)
        query = (
            "SELECT stage, model, SUM(status = 'ok'), SUM(status <> 'ok'), SUM(prompt_tokens),"
            f" SUM(completion_tokens) FROM log {where} GROUP BY 1, 2 ORDER BY 1, 2"
        )
        rows = self._db.execute(query, values).fetchall() if self._is_kept else []
        return [
            Usage(stage, model, ok, bad, prompt, reply, cost_of(prices.get(model, FREE), prompt, reply))
            for stage, model, ok, bad, prompt, reply in rows
        ]

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _where(stage: str | None, status: str | None) -> tuple[str, tuple[str, ...]]:
    terms, values = list[str](), list[str]()
    if stage is not None:
        terms.append("(stage = ? OR substr(stage, 1, ?) = ?)")
        values += [stage, str(len(stage) + 1), f"{stage}."]
    if status == "error":
        terms.append("status <> 'ok'")
    elif status is not None:
        terms.append("status = ?")
        values.append(status)
    return (f"WHERE {' AND '.join(terms)}" if terms else ""), tuple(values)
