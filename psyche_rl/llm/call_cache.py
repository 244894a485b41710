"""Finished calls on disk, so that nothing that was paid for is paid for twice.

Role: key -> reply in one SQLite file; every reply is committed before it is handed on.
Collaborators: ``client.py`` asks before it sends; ``actors.llm_client`` decides where the file lies.
Invariants: only answers are kept, never failures; a SIGKILL of the process loses at most the calls in
flight (WAL; with ``synchronous=NORMAL`` a power cut may lose the last commits, but not the file).
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from psyche_rl.llm.chat import ChatReply, ChatRequest

_TABLE = """CREATE TABLE IF NOT EXISTS calls (
    key TEXT PRIMARY KEY, request BLOB NOT NULL, reply TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, time REAL NOT NULL
) WITHOUT ROWID"""


class CallCache:
    """One process at a time owns the file; the owner's thread does all reads and writes.

    Args:
        namespace: keeps apart servers that answer the same request differently by design, such as
            scripted teachers with other flaws.
    """

    def __init__(self, path: str | Path, namespace: str = "", clock: Callable[[], float] = time.time) -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._namespace, self._clock = namespace, clock
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute(_TABLE)

    def get(self, request: ChatRequest) -> ChatReply | None:
        """The reply of an earlier call, marked as cached."""
        row = self._db.execute(
            "SELECT reply, prompt_tokens, completion_tokens FROM calls WHERE key = ?", (self._key(request),)
        ).fetchone()
        return None if row is None else ChatReply(row[0], row[1], row[2], cached=True)

    def put(self, request: ChatRequest, reply: ChatReply) -> None:
        """Keep a reply; it is committed when this returns."""
        self._db.execute(
            "INSERT OR REPLACE INTO calls VALUES (?, ?, ?, ?, ?, ?)",
            (
                self._key(request),
                request.body(),
                reply.text,
                reply.prompt_tokens,
                reply.completion_tokens,
                self._clock(),
            ),
        )

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

    def _key(self, request: ChatRequest) -> str:
        key = request.key()
        return hashlib.sha256(f"{self._namespace}\x1f{key}".encode()).hexdigest() if self._namespace else key
