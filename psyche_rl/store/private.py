"""Folders that only their owner can read: a run folder, since replies, rationales and help-seeking posts are
personal, and one of a known name in a place that all write to.

Collaborators: ``launch.run_writer`` works inside :func:`private`; Ray's processes on this machine inherit the
mask. ``model_copy`` asks for :func:`own_folder`.
Invariants:
- A folder that is no run's, and was there before, keeps its rights.
- Behind a URL rights are the bucket's.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from psyche_rl.store.manifest import MANIFEST
from psyche_rl.store.run_store import RunStore

_OWNER_ONLY = 0o700


def own_folder(folder: Path) -> Path:
    """``folder``, made if it is not there: whoever foresees its name may have put something in its place.

    Raises:
        PermissionError: it is a link, somebody else's, or open to others.
    """
    with suppress(FileExistsError):
        folder.mkdir(mode=_OWNER_ONLY)
    about = folder.lstat()
    if not stat.S_ISDIR(about.st_mode):
        raise PermissionError(f"{folder} is no folder but a link or file; remove it")
    if about.st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else; have it removed, or set TMPDIR")
    if about.st_mode & 0o077:
        raise PermissionError(f"{folder} is open to others (mode {about.st_mode & 0o777:o}); remove it")
    return folder


@contextmanager
def private(store: RunStore, public: bool = False) -> Iterator[None]:
    """What is made inside is the owner's alone (700, 600), unless it is to be ``public``."""
    if public or not store.is_local:
        yield
        return
    folder = Path(store.path(""))
    mask = os.umask(0o077)
    try:
        if (folder / MANIFEST).exists():
            with suppress(OSError):  # somebody else's, or a disk without rights
                folder.chmod(_OWNER_ONLY)
        yield
    finally:
        os.umask(mask)
