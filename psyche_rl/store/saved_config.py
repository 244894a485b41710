"""The config that a run folder states, as a plain tree: readers must not fail on a key they do not know.

Collaborators: ``launch.run_writer`` writes it; commands that look at a run read it.
"""

from __future__ import annotations

from typing import Any

from psyche_rl.store.intact import intact
from psyche_rl.store.run_store import RunStore
from rewards.bounded_yaml import load_yaml

CONFIG = "config.yaml"


def saved_config(store: RunStore) -> dict[str, Any]:
    """The tree of ``config.yaml``; empty where there is none.

    Raises:
        RunFolderError: it is damaged.
    """
    if not store.exists(CONFIG):
        return {}
    data = store.read_bytes(CONFIG)
    with intact(store.path(CONFIG), CONFIG):
        tree = load_yaml(data)
        if not isinstance(tree, dict | None):
            raise ValueError(f"a config is a mapping, and this a {type(tree).__name__}")
    return tree or {}
