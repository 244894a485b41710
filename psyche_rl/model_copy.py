"""A node's own copy of a model folder that lies behind an fsspec URL.

Collaborator: ``model_folder``, by which each actor finds a model on the node it runs on; nothing needs to see
another node's disk.
Invariants:
- A copy is either absent or whole.
- Changed files make another copy.
- Processes of one node that want the same model fetch it once: one does, the others wait for it. A lock goes
  with its process, however that ends.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import fsspec

from psyche_rl.errors import ModelError
from psyche_rl.store.atomic import aside
from psyche_rl.store.private import own_folder

WEIGHTS = ".safetensors"
LIGHT = "-light"
"""Ends the name of a copy without weights."""


def local_copy(url: str, weights: bool = True) -> Path:
    """The folder behind ``url``, fetched unless this node has it.

    Args:
        weights: whether they are needed; a copy without them is a folder of its own, a whole one serves too.

    Raises:
        ModelError: there is no such folder, or no way to it.
    """
    try:
        fs, remote = fsspec.core.url_to_fs(url)
        if isinstance(fs, fsspec.implementations.local.LocalFileSystem):
            return Path(remote)
        files = sorted(fs.find(remote))
        if not files:
            raise ModelError(f"{url}: no such model folder")
        state = [f"{file} {fs.ukey(file)}" for file in files]
        target = _cache() / hashlib.sha256("\n".join([url, *state]).encode()).hexdigest()[:16]
        if target.exists():
            return target
        if not weights:
            target = target.with_name(f"{target.name}{LIGHT}")
            files = [file for file in files if not file.endswith(WEIGHTS)]
        with _one_at_a_time(target):
            if not target.exists():
                _fetch(fs, remote, files, target)
    except (OSError, ValueError, ImportError) as error:
        raise ModelError(f"{url}: the model folder cannot be fetched: {error}") from None
    return target


@contextmanager
def _one_at_a_time(target: Path) -> Iterator[None]:
    """Whoever else of this node wants ``target`` waits."""
    with target.with_name(f"{target.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetch(fs: fsspec.AbstractFileSystem, remote: str, files: Sequence[str], target: Path) -> None:
    place = Path(aside(str(target)))
    try:
        place.mkdir(mode=0o700)
        for file in files:
            own = place / str(file)[len(remote.rstrip("/")) + 1 :]
            own.parent.mkdir(parents=True, exist_ok=True)
            fs.get_file(file, str(own))
        place.rename(target)
    except OSError:
        shutil.rmtree(place, ignore_errors=True)
        raise


def _cache() -> Path:
    return own_folder(Path(tempfile.gettempdir()) / f"psyche-rl-models-{os.getuid()}")
