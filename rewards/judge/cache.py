"""Verdicts on disk, so that nothing is judged, or paid for, twice.

A SQLite file that several processes share; a connection per access, since a judge is pickled and used from
several threads. Only valid verdicts are kept.

    >>> import tempfile
    >>> cache = VerdictCache(tempfile.mkdtemp() + "/judge.sqlite")
    >>> cache.get("k"), cache.put("k", {"empathy": 4}), cache.get("k")
    (None, None, {'empathy': 4})
"""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

LOCK_WAIT_S = 30.0
"""How long another process may hold the file."""


@dataclass(frozen=True)
class VerdictCache:
    """Key -> dimension -> score, in the file ``path``, made when first needed."""

    path: str

    def get(self, key: str) -> dict[str, int] | None:
        """The verdict under a key."""
        with closing(self._open()) as db:
            row = db.execute("SELECT verdict FROM verdicts WHERE key = ?", (key,)).fetchone()
        return json.loads(row[0]) if row else None

    def put(self, key: str, verdict: dict[str, int]) -> None:
        """Keep a verdict; the first one under a key stays."""
        with closing(self._open()) as db, db:
            db.execute("INSERT OR IGNORE INTO verdicts VALUES (?, ?)", (key, json.dumps(verdict)))

    def _open(self) -> sqlite3.Connection:
        import sqlite3

        Path(self.path).parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self.path, timeout=LOCK_WAIT_S)
        db.execute("CREATE TABLE IF NOT EXISTS verdicts (key TEXT PRIMARY KEY, verdict TEXT NOT NULL)")
        return db
