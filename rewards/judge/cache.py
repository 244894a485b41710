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
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

_TABLE = "CREATE TABLE IF NOT EXISTS verdicts (key TEXT PRIMARY KEY, verdict TEXT NOT NULL)"
LOCK_WAIT_S = 30.0
"""How long another process may hold the file."""


@dataclass(frozen=True)
class VerdictCache:
    """Key -> dimension -> score, in the file ``path``, made when first needed."""

    path: str

    def get(self, key: str) -> dict[str, int] | None:
        """The verdict under a key.

        Raises:
            OSError: the file is damaged.
        """
        with self._opened() as db:
            row = db.execute("SELECT verdict FROM verdicts WHERE key = ?", (key,)).fetchone()
        return json.loads(row[0]) if row else None

    def put(self, key: str, verdict: dict[str, int]) -> None:
        """Keep a verdict; the first one under a key stays.

        Raises:
            OSError: the file is damaged.
        """
        with self._opened() as db, db:
            db.execute("INSERT OR IGNORE INTO verdicts VALUES (?, ?)", (key, json.dumps(verdict)))

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        import sqlite3

        Path(self.path).parent.mkdir(parents=True, exist_ok=True)
        try:
            with closing(sqlite3.connect(self.path, timeout=LOCK_WAIT_S)) as db:
                db.execute(
                    "CREATE TABLE IF NOT EXISTS verdicts (key TEXT PRIMARY KEY, verdict TEXT NOT NULL)"
                )
                yield db
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            raise OSError(
                f"{self.path} is damaged ({error}); remove it, and its verdicts are asked again"
            ) from None
