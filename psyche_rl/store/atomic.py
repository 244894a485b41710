"""Files and folders that are whole or absent: written aside, then moved to their name in one step.

Role: the one way in which files and folders get their final names. Invariants:

- what stands under a name is the old content or the new, whole, whatever kills the writer;
- what is written aside lies beside its target, on the same disk, and is removed when the writing fails;
- writers of one file do not meet, the last one wins; a folder has one writer at a time, which removes what a
  killed one has left.

Nothing here waits for the disk unless it is asked to (``durable``), so after a loss of power the newest files
may be gone. What must not be are checkpoints, and the decisions of reviewers, for which they have a log.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec

SUFFIX = ".tmp"
_ASIDE = re.compile(rf".+\.[0-9a-f]{{8}}{re.escape(SUFFIX)}")
UNDER_WAY_S = 60.0
"""Younger, it may be a reviewer's decision that another process is writing."""


def aside(target: str) -> str:
    """A fresh name beside ``target``, for what is not whole yet."""
    return f"{target}.{uuid.uuid4().hex[:8]}{SUFFIX}"


def target_of(place: str) -> str:
    """What a file or folder of :func:`aside` is to become; other names are returned as they are."""
    return place.rpartition(".")[0].rpartition(".")[0] if _ASIDE.fullmatch(place) else place


def sync_file(file: Any) -> None:
    """Wait until all that was written to an open file is on the disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: str | Path) -> None:
    """Wait until the names in a local folder, new, changed or gone, are on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def written_file(fs: Any, target: str, durable: bool = False) -> Iterator[Any]:
    """A binary file, open for writing, on the fsspec filesystem ``fs``; it becomes ``target`` when the block
    ends well.

    Args:
        durable: on a disk, wait until it is there; a store behind a URL keeps what it has taken.
    """
    place = aside(target)
    local = isinstance(fs, fsspec.implementations.local.LocalFileSystem)
    try:
        with fs.open(place, "wb") as file:
            yield file
            if durable and local:
                sync_file(file)
        if local:
            os.replace(place, target)
            if durable:
                sync_folder(os.path.dirname(target))
        else:
            fs.mv(place, target)
    except BaseException:
        with contextlib.suppress(OSError):
            fs.rm(place)
        raise


@contextlib.contextmanager
def written_folder(target: str | Path) -> Iterator[Path]:
    """An empty local folder; it becomes ``target``, in place of what was there, when the block ends well."""
    target = Path(target)
    _remove_left_over(target)
    place = Path(aside(str(target)))
    place.mkdir(parents=True)
    try:
        yield place
        replace_folder(place, target)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise


def replace_folder(place: str | Path, target: str | Path) -> None:
    """Give the folder ``place`` the name ``target``. What was there is moved aside before it is removed, so
    that a kill leaves no half of it under the name."""
    old = aside(str(target))
    with contextlib.suppress(FileNotFoundError):
        os.replace(target, old)
    os.replace(place, target)
    shutil.rmtree(old, ignore_errors=True)


def remove_left_overs(store: Any) -> None:
    """Remove what killed writers have left aside anywhere in a run folder that nobody else writes to."""
    if not store.is_local:
        return
    for place in Path(store.path("")).rglob(f"*{SUFFIX}"):
        if _ASIDE.fullmatch(place.name) and time.time() - place.lstat().st_mtime > UNDER_WAY_S:
            shutil.rmtree(place, ignore_errors=True) if place.is_dir() else place.unlink(missing_ok=True)


def _remove_left_over(target: Path) -> None:
    for folder in target.parent.glob(f"*{SUFFIX}"):
        if folder != target and target_of(folder.name) == target.name:
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def folder_or_url(target: str, last: str) -> Iterator[Path]:
    """A local folder to fill for a path, which is replaced as a whole, or for an fsspec URL.

    ``last``: the file that goes to a URL last, so that a folder that has it is whole.
    """
    if "://" not in target:
        with written_folder(target) as folder:
            yield folder
        return
    with tempfile.TemporaryDirectory(prefix="psyche-rl-") as local:
        yield Path(local)
        fs, remote = fsspec.core.url_to_fs(target)
        fs.makedirs(remote, exist_ok=True)
        for file in sorted(Path(local).iterdir(), key=lambda file: file.name == last):
            fs.put_file(str(file), f"{remote}/{file.name}")
