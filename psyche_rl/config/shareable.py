"""A config as others may see it, on cards of data and models.

Pure. Invariant: no address, and of a path its last name alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any


def without_paths(tree: Any, key: str = "") -> Any:
    """A config as others may see it: files by name, no addresses, no run folder."""
    if isinstance(tree, Mapping):
        hidden = ("run_dir", "base_url")
        return {k: without_paths(v, str(k)) for k, v in tree.items() if k not in hidden}
    if isinstance(tree, list | tuple):
        return [without_paths(value, key) for value in tree]
    if isinstance(tree, str) and ("/" in tree or "\\" in tree) and not _hub_name(tree):
        return PurePosixPath(tree.replace("\\", "/")).name
    return tree


def _hub_name(text: str) -> bool:
    """``Qwen/Qwen2.5-7B-Instruct`` tells which model it was; a path does not."""
    return text.count("/") == 1 and not text.startswith((".", "/", "~")) and not Path(text).exists()
