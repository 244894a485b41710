"""A node's own copy of a model folder that lies behind an fsspec URL.

Collaborator: ``model_folder``, by which each actor finds a model on the node it runs on; nothing needs to see
another node's disk.
Invariants:
- A copy is either absent or whole.
- Changed files make another copy.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

import fsspec

from psyche_rl.errors import ModelError
from psyche_rl.store.atomic import aside
from psyche_rl.store.private import own_folder


def local_copy(url: str) -> Path:
    """The folder behind ``url``, fetched unless this node has it.

    Raises:
        ModelError: there is no such folder, or no way to it.
    """
    try:
        fs, remote = fsspec.core.url_to_fs(url)
        if isinstance(fs, fsspec.implementations.local.LocalFileSystem):
            return Path(remote)
        files = fs.find(remote)
        if not files:
            raise ModelError(f"{url}: no such model folder")
        state = [f"{file} {fs.ukey(file)}" for file in sorted(files)]
        target = _cache() / hashlib.sha256("\n".join([url, *state]).encode()).hexdigest()[:16]
        if not target.exists():
            _fetch(fs, remote, target)
    except (OSError, ValueError, ImportError) as error:
        raise ModelError(f"{url}: the model folder cannot be fetched: {error}") from None
    return target


def _fetch(fs: fsspec.AbstractFileSystem, remote: str, target: Path) -> None:
    place = Path(aside(str(target)))
    try:
        place.mkdir(mode=0o700)
        fs.get(f"{remote}/", f"{place}/", recursive=True)
        place.rename(target)
    except OSError:
        shutil.rmtree(place, ignore_errors=True)
        if not target.exists():  # else another process of this node was faster
            raise


def _cache() -> Path:
    return own_folder(Path(tempfile.gettempdir()) / f"psyche-rl-models-{os.getuid()}")
