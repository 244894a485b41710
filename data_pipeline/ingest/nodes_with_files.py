"""Which nodes can read what is to be read: each proves that it has the same files.

Role: the label selector of reading tasks.
Collaborators: ``cleaned_stream`` starts the tasks, ``actors.placement`` asks the nodes.
Invariants:
- A node counts only if it finds each file with the same size, beginning and end as the driver does; none is
  guessed to see a path because it looks shared.
- A URL is read by any node.
- Names on the Hugging Face hub stay with the driver's cache where its node takes tasks.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import fsspec

from actors.placement.live_cluster import live_nodes, on_each_node
from data_pipeline.ingest.raw_rows import UNREAD, Input
from data_pipeline.ingest.saved_datasets import DATASET, HUB
from psyche_rl.errors import DataError

LABEL = "ray.io/node-id"
COMPARED_BYTES = 32 << 10  # of the beginning of a file, and of its end
READERS = 16  # files that a node looks at side by side: a shared filesystem answers slowly


def nodes_to_read(found: Sequence[Input]) -> dict[str, str] | None:
    """The label selector of tasks that read these inputs; None if any node may.

    Raises:
        DataError: only this node has the files, and it takes no tasks.
    """
    local = [one for one in found if "://" not in one.path and one.kind != UNREAD]
    if not local:
        return None
    nodes = live_nodes()
    here = next(iter(nodes))
    files = sorted({file for one in local for file in _files_of(one)})
    told = on_each_node(fingerprint, files) if len(nodes) > 1 and files else dict.fromkeys(nodes, "")
    able = [node for node in told if told[node] == told[here] and nodes[node].get("CPU", 0) > 0]
    if here in able and any(one.kind == HUB for one in local):
        able = [here]
    if not able:
        paths = ", ".join(dict.fromkeys(one.path for one in local))
        raise DataError(
            f"{paths}: only the driver's node has these files, and it takes no tasks (0 CPUs); "
            f"put them where the workers see them under the same path, or give an fsspec URL"
        )
    return {LABEL: f"in({', '.join(able)})"}


def fingerprint(files: Sequence[str]) -> str:
    """A digest of these files as this node sees them."""
    digest = hashlib.sha256()
    with ThreadPoolExecutor(READERS) as pool:
        for file, seen in zip(files, pool.map(_seen, files), strict=True):
            digest.update(f"{file}\n{seen}\n".encode())
    return digest.hexdigest()


def _seen(file: str) -> str:
    try:
        with open(file, "rb") as opened:
            size = os.fstat(opened.fileno()).st_size
            beginning = opened.read(COMPARED_BYTES)
            opened.seek(max(0, size - COMPARED_BYTES))
            end = opened.read(COMPARED_BYTES)
    except OSError as error:
        return type(error).__name__
    return f"{size} {hashlib.sha256(beginning + end).hexdigest()}"


def _files_of(one: Input) -> Iterator[str]:
    if one.kind == DATASET:
        fs, root = fsspec.core.url_to_fs(one.path)
        yield from fs.find(root)
    elif one.kind != HUB:
        yield one.file
