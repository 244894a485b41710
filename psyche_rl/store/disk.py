"""Faults of the disk under a run folder: told in one line, with room kept to write that down.

Role: turns what the system raises (from whatever library, in this process or a remote one) into a
:class:`DiskError`; keeps a reserve, so that the manifest of a run that has filled its disk says why it ended.
Collaborators: ``launch.run_writer`` keeps the reserve; ``launch.cli.errors`` prints the line.
Invariants:
- An error is a fault of the disk by its number, or where a library has dropped that by its words; a missing
  file is none, since it may be a defect.
- The reserve never fails a run that goes well: where it cannot be taken there is none.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from psyche_rl.errors import PsycheError
from psyche_rl.store.atomic import target_of

RESERVE = ".reserve"
RESERVE_BYTES = 256 * 1024
"""Room for manifest and config several times over."""

_FAULTS = {
    errno.ENOSPC: "no space is left on the disk",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the disk is mounted read-only",
    errno.EIO: "the disk reports an input/output error",
    errno.ESTALE: "the mount is gone (stale file handle)",
    errno.ENOTCONN: "the mount is gone (not connected)",
    errno.ENODEV: "the device is gone",
    errno.ENXIO: "the device is gone",
    errno.EACCES: "permission is denied",
    errno.EPERM: "the system does not permit it",
    errno.EFBIG: "the file would be larger than the disk or a limit allows",
}
_REMEDIES = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
    errno.EROFS: "mount it for writing",
    errno.EACCES: "give this user the right to write there",
    errno.EPERM: "give this user the right to write there",
    errno.EFBIG: "raise the limit (ulimit -f)",
}
_WORDS = {
    "no space left on device": errno.ENOSPC,
    "database or disk is full": errno.ENOSPC,
    "disk quota exceeded": errno.EDQUOT,
    "read-only file system": errno.EROFS,
    "attempt to write a readonly database": errno.EROFS,
    "input/output error": errno.EIO,
    "disk i/o error": errno.EIO,
    "stale file handle": errno.ESTALE,
}
"""What libraries say that drop the number: sqlite, torch, safetensors, and Ray of a remote error."""


class DiskError(PsycheError):
    """The disk does not take what is to be written, or does not give what was."""


def disk_fault(error: BaseException, folder: str = "") -> DiskError | None:
    """The fault of a disk that ``error``, or what it came from, tells of.

    Args:
        folder: what is written to, where the error itself names no path.
    """
    for cause in _causes(error):
        if isinstance(cause, DiskError):
            return cause
        if isinstance(cause, PsycheError):
            continue
        number = _number(cause)
        if number is not None:
            named = getattr(cause, "filename", None)
            path = target_of(os.fsdecode(named)) if isinstance(named, str | bytes) else folder
            remedy = _REMEDIES.get(number, "see to the disk")
            return DiskError(
                f"{path or 'the disk'}: {_FAULTS[number]}{_room(path or folder)}; {remedy}, and the same "
                "command goes on from here"
            )
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """``error`` and all it came from, each once; what Ray brings from elsewhere has its own in ``cause``."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        found = (getattr(one, "cause", None), one.__cause__, one.__context__)
        waiting += [cause for cause in found if isinstance(cause, BaseException)]


def _number(error: BaseException) -> int | None:
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno if error.errno in _FAULTS else None
    if isinstance(error, OSError | sqlite3.Error | RuntimeError) or type(error).__name__ == "SafetensorError":
        said = str(error).lower()
        return next((number for words, number in _WORDS.items() if words in said), None)
    return None


def _room(path: str) -> str:
    """What is free there, in words; nothing where that cannot be told."""
    for folder in (Path(path), *Path(path).parents) if path and "://" not in path else ():
        with suppress(OSError):
            usage = shutil.disk_usage(folder)
            return f" ({usage.free / 2**20:,.1f} of {usage.total / 2**20:,.1f} MiB free)"
    return ""


class Reserve:
    """A file that is let go when the disk is full; ``folder`` is local."""

    def __init__(self, folder: str | Path) -> None:
        self._file = Path(folder) / RESERVE

    def take(self) -> None:
        """Write it, if it is not there."""
        with suppress(OSError):
            if not self._file.exists():
                self._file.write_bytes(b"\0" * RESERVE_BYTES)

    def release(self) -> bool:
        """Give its room to what must be written now; whether there was any."""
        with suppress(OSError):
            self._file.unlink()
            return True
        return False
