"""A damaged call cache is set aside, and what can be read of it is kept: each reply was paid for.

Role: looks at the file before it is used. A damaged page costs its rows and what hangs on it; a file of
another program costs nothing, since it is no cache.
Collaborators: ``call_cache`` opens the file afterwards and hands the line on.
Invariants:
- The damaged file is never written to and never removed: it stays beside the new one.
- What cannot be read is asked again; how much could be is counted.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from psyche_rl.store.atomic import aside

_Row = dict[str, Any]
_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_DIGITS = "0123456789abcdef"
_RANGES = [f"{a}{b}" for a in _DIGITS for b in _DIGITS]
"""Keys are digests: each range holds about as many, so that a damaged page costs a small part of all."""
_ROWS_A_RANGE, _IDS_TRIED = 512, 500_000
_PAGE = 4096


def set_aside_damaged(path: Path, tables: Sequence[str], columns: Sequence[str]) -> str | None:
    """Make sure that the file at ``path`` is a whole cache, or absent; what was wrong with it, in one line.

    Args:
        tables: statements that make the tables of a cache.
        columns: what ``calls`` must have.
    """
    if not path.exists() or not path.stat().st_size:
        return None
    why = _wrong_with(path, columns)
    if why is None:
        return None
    place = _free_name(path)
    for end in ("", "-wal", "-shm"):
        file = path.with_name(path.name + end)
        if file.exists():
            file.rename(place.with_name(place.name + end))
    calls, log = _salvaged(place, path, tables)
    return (
        f"{path} is damaged ({why}) and kept as {place.name}; {calls} finished calls and {log} lines of the "
        f"log could be read and are used, the others are asked again"
    )


def _wrong_with(path: Path, columns: Sequence[str]) -> str | None:
    try:
        with closing(sqlite3.connect(path)) as db:
            said = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
            if said != "ok":
                return " ".join(said.split())
            names = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            found = {row[1] for row in db.execute("PRAGMA table_info(calls)")}
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _BROKEN:
            raise
        return str(error)
    if names and not set(columns) <= found:
        return f"a database of another program: tables {', '.join(sorted(names))[:80]}"
    return None


def _salvaged(damaged: Path, path: Path, tables: Sequence[str]) -> tuple[int, int]:
    """Rows of ``calls`` and of ``log`` that could be brought over."""
    with closing(sqlite3.connect(path, isolation_level=None)) as new:
        for table in tables:
            new.execute(table)
        _bring_all(new, damaged)
        if not any(_counts(new)):
            with _with_new_head(damaged, path) as mended:
                _bring_all(new, mended)
        return _counts(new)


def _bring_all(new: sqlite3.Connection, damaged: Path) -> None:
    new.execute("BEGIN")
    with closing(sqlite3.connect(f"{damaged.absolute().as_uri()}?mode=ro", uri=True)) as old:
        for place, end in zip(_RANGES, [*_RANGES[1:], "g"], strict=True):
            _bring(new, "calls", _readable(old, "calls", "key", place, end))
        for first in range(0, _last_id(old) + 1, _ROWS_A_RANGE):
            _bring(new, "log", _readable(old, "log", "id", first, first + _ROWS_A_RANGE))
    new.execute("COMMIT")


def _counts(new: sqlite3.Connection) -> tuple[int, int]:
    calls, log = (new.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0] for name in ("calls", "log"))
    return int(calls), int(log)


@contextmanager
def _with_new_head(damaged: Path, path: Path) -> Iterator[Path]:
    """A copy with the first page, which says where the tables begin, of a new cache: ours all begin alike."""
    mended = Path(aside(str(path)))
    try:
        shutil.copyfile(damaged, mended)
        with path.open("rb") as fresh, mended.open("r+b") as file:
            head = bytearray(fresh.read(_PAGE))
            head[28:32] = (damaged.stat().st_size // _PAGE).to_bytes(4, "big")  # its size in pages
            file.write(head)
        yield mended
    finally:
        for end in ("", "-wal", "-shm"):
            mended.with_name(mended.name + end).unlink(missing_ok=True)


def _readable(
    old: sqlite3.Connection, table: str, key: str, first: Any, end: Any
) -> Iterator[dict[str, Any]]:
    """The rows of a range from its front up to the damage, and from its back."""
    for order in ("ASC", "DESC"):
        try:
            found = old.execute(
                f"SELECT * FROM {table} WHERE {key} >= ? AND {key} < ? ORDER BY {key} {order}", (first, end)
            )
            names = [name for name, *_ in found.description]
            while (row := found.fetchone()) is not None:
                yield dict(zip(names, row, strict=True))
            return
        except (sqlite3.Error, ValueError):  # a damaged page, or text that is none
            continue


def _bring(new: sqlite3.Connection, table: str, rows: Iterator[_Row]) -> None:
    known = {row[1] for row in new.execute(f"PRAGMA table_info({table})")}
    for row in rows:
        kept = {name: value for name, value in row.items() if name in known}
        names, marks = ", ".join(kept), ", ".join("?" * len(kept))
        try:
            new.execute(f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})", tuple(kept.values()))
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
                raise


def _last_id(old: sqlite3.Connection) -> int:
    try:
        found = old.execute("SELECT MAX(id) FROM log").fetchone()
        return int(found[0] or 0)
    except (sqlite3.Error, ValueError):
        return _IDS_TRIED


def _free_name(path: Path) -> Path:
    numbers = (n for n in range(1, 10_000) if not path.with_name(f"{path.name}.damaged-{n}").exists())
    return path.with_name(f"{path.name}.damaged-{next(numbers)}")
