"""Finished calls on disk, so that nothing that was paid for is paid for twice, and all can be looked at.

Role: one SQLite file with two tables. ``calls``: key -> request and reply of every answered call; ``log``:
one row for every call that ended, well or not, with what it took. Both are committed before the result is
handed on.
Collaborators: ``client.py`` asks before it sends; ``call_log`` reads the log; ``actors.llm.client`` decides
where the file lies.
Invariants:
- Only replies are ever given again, those that were cut off or refused among them, never calls without one.
- A SIGKILL of the process loses at most the calls in flight (WAL; with ``synchronous=NORMAL`` a power cut may
  lose the last commits, but not the file).
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from psyche_rl.llm.call_salvage import set_aside_damaged
from psyche_rl.llm.chat import CallFailure, ChatReply, ChatRequest
from psyche_rl.llm.finish import answered as answered_by

CACHE_FILE = "llm_calls.sqlite"
"""Its name in a run folder."""

_TABLES = (
    """CREATE TABLE IF NOT EXISTS calls (
    key TEXT PRIMARY KEY, request BLOB NOT NULL, reply TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, time REAL NOT NULL,
    finish_reason TEXT NOT NULL DEFAULT 'stop', reasoning TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID""",
    # The request is kept here for calls without a reply only: the others have it in calls, under their key.
    """CREATE TABLE IF NOT EXISTS log (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, stage TEXT NOT NULL, model TEXT NOT NULL,
    endpoint TEXT NOT NULL, status TEXT NOT NULL, message TEXT NOT NULL, attempts INTEGER NOT NULL,
    seconds REAL NOT NULL, prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,
    time REAL NOT NULL, request BLOB
)""",
)
_COLUMNS = "key, request, reply, prompt_tokens, completion_tokens, time, finish_reason, reasoning"
_ASKED = ("key", "request", "reply", "prompt_tokens", "completion_tokens", "time")
_ADDED = ("finish_reason TEXT NOT NULL DEFAULT 'stop'", "reasoning TEXT NOT NULL DEFAULT ''")
"""Columns of ``calls`` that files of before lack: no reply in those says how it ended."""


@dataclass(frozen=True, slots=True)
class CallNote:
    """How a call went: on whose behalf, under which model name and where it was sent, and what it took.

    ``body`` is what was sent; None for the request's own body. ``seconds`` run from the first try.
    """

    stage: str = ""
    model: str = ""
    endpoint: str = ""
    attempts: int = 1
    seconds: float = 0.0
    body: bytes | None = None


class Answered(NamedTuple):
    """An answered call, for the cache."""

    request: ChatRequest
    reply: ChatReply
    note: CallNote


class CallCache:
    """One process at a time owns the file; the owner's thread does all reads and writes.

    Args:
        namespace: keeps apart servers that answer the same request differently by design, such as
            scripted teachers with other flaws.
    """

    def __init__(self, path: str | Path, namespace: str = "", clock: Callable[[], float] = time.time) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self.damage = set_aside_damaged(Path(path), _TABLES, _ASKED)
        """What was wrong with the file that was there, and what of it is used; None for a whole one."""
        self._namespace, self._clock = namespace, clock
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        for table in _TABLES:
            self._db.execute(table)
        known = {row[1] for row in self._db.execute("PRAGMA table_info(calls)")}
        for column in _ADDED:
            if column.split()[0] not in known:
                self._db.execute(f"ALTER TABLE calls ADD COLUMN {column}")

    def get(self, request: ChatRequest) -> ChatReply | None:
        """The reply of an earlier call, marked as cached; none where the text of it is damaged."""
        try:
            row = self._db.execute(
                "SELECT reply, prompt_tokens, completion_tokens, finish_reason, reasoning FROM calls"
                " WHERE key = ?",
                (self._key(request),),
            ).fetchone()
        except sqlite3.OperationalError as error:
            if "utf-8" not in str(error).lower():
                raise
            row = None
        if row is None:
            return None
        text, prompt, completion, reason, thoughts = row
        return ChatReply(text, prompt, completion, True, reason, thoughts)

    def put(self, request: ChatRequest, reply: ChatReply, note: CallNote | None = None) -> None:
        """Keep a reply; it is committed when this returns."""
        self.put_many([Answered(request, reply, note or CallNote(model=request.model))])

    def put_many(self, answered: Sequence[Answered]) -> None:
        """Keep replies in one transaction, which is committed when this returns.

        Raises:
            sqlite3.Error: the file cannot be written; none of them is kept.
        """
        now = self._clock()
        self._db.execute("BEGIN")
        try:
            for request, reply, note in answered:
                key, tokens = self._key(request), (reply.prompt_tokens, reply.completion_tokens)
                body = note.body or request.body()
                row = (key, body, reply.text, *tokens, now, reply.finish_reason, reply.reasoning)
                self._db.execute(
                    f"INSERT OR REPLACE INTO calls ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row
                )
                result = answered_by(reply)
                status, why = (result.kind, result.message) if isinstance(result, CallFailure) else ("ok", "")
                self._log(key, note, status, why, tokens, now, None)
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def fail(self, request: ChatRequest, failure: CallFailure, note: CallNote) -> None:
        """Keep a record of a call that got no answer; it will be tried again when it is next asked for."""
        body = note.body or request.body()
        self._log(self._key(request), note, failure.kind, failure.message, (0, 0), self._clock(), body)

    def tokens(self) -> dict[str, tuple[int, int]]:
        """Prompt and completion tokens of all answered calls so far, by the model name they went under."""
        rows = self._db.execute(
            "SELECT model, SUM(prompt_tokens), SUM(completion_tokens) FROM log GROUP BY 1"
        )
        return {model: (prompt, completion) for model, prompt, completion in rows}

    def __len__(self) -> int:
        return int(self._db.execute("SELECT COUNT(*) FROM calls").fetchone()[0])

    def snapshot(self, target: str | Path) -> None:
        """Write a whole copy of the cache as one file, while the cache stays in use."""
        Path(target).unlink(missing_ok=True)
        self._db.execute("VACUUM INTO ?", (str(target),))

    def close(self) -> None:
        """Fold the write-ahead log into the file and close it."""
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()

    def _log(
        self,
        key: str,
        note: CallNote,
        status: str,
        message: str,
        tokens: tuple[int, int],
        now: float,
        body: bytes | None,
    ) -> None:
        self._db.execute(
            "INSERT INTO log VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                key,
                note.stage,
                note.model,
                note.endpoint,
                status,
                message,
                note.attempts,
                round(note.seconds, 4),
                *tokens,
                now,
                body,
            ),
        )

    def _key(self, request: ChatRequest) -> str:
        key = request.key()
        return hashlib.sha256(f"{self._namespace}\x1f{key}".encode()).hexdigest() if self._namespace else key
