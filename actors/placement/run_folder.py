"""Every node proves that it sees the run folder, before anything is written there by one of them.

Role: a marker file is written here and read on each node.
Invariant: a node that cannot read it is named; none is guessed to see it because the path looks shared.
"""

from __future__ import annotations

import os

from actors.placement.live_cluster import live_nodes, on_each_node
from psyche_rl.errors import RunFolderError
from psyche_rl.store import RunStore

MARKER = ".seen_by_all_nodes"


def seen_by_all_nodes(store: RunStore) -> None:
    """Nothing, or a refusal.

    Raises:
        RunFolderError: a node does not see the run folder.
    """
    if len(live_nodes()) == 1:
        return
    proof = os.urandom(8).hex()
    store.write_text(MARKER, proof)
    try:
        told = on_each_node(_reads, store.url)
    finally:
        store.remove(MARKER)
    blind = {node: found for node, found in told.items() if found != proof}
    if blind:
        node, why = next(iter(blind.items()))
        raise RunFolderError(
            f"run_dir {store.url}: {len(blind)} of {len(told)} nodes do not see it, node {node[:8]} first "
            f"({why or 'it has another folder there'}); give a path that all nodes share, or an fsspec URL"
        )


def _reads(url: str) -> str:
    """What this node finds: the marker's text, or why it has none."""
    store = RunStore(url)
    try:
        return store.read_bytes(MARKER).decode() if store.exists(MARKER) else f"no {MARKER} there"
    except Exception as error:  # fsspec's filesystems raise whatever their libraries do
        return f"{type(error).__name__}: {error}"
