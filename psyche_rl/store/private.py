"""A run folder that only its owner can read: replies, rationales and help-seeking posts are personal.

Collaborators: ``launch.run_writer`` works inside it; Ray's processes on this machine inherit the mask.
Invariants:
- A folder that is no run's, and was there before, keeps its rights.
- Behind a URL rights are the bucket's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from psyche_rl.store.manifest import MANIFEST
from psyche_rl.store.run_store import RunStore

_OWNER_ONLY = 0o700


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
