"""Hugging Face datasets: a folder written by ``save_to_disk``, or ``hf://owner/name`` from the hub.

``hf://owner/name?config=NAME&split=train`` names part of a dataset; without a split all are read, in the
order of their names. Offline (``HF_HUB_OFFLINE=1``, or no network) the local cache is used.
Invariants:
- No code of a dataset is run.
- Rows are read from memory-mapped files one by one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qs, urlsplit

from psyche_rl.errors import DataError

DATASET, HUB = "dataset", "hub"
_SCHEME = "hf://"


def is_hub_name(path: str) -> bool:
    """Whether a path is ``hf://owner/name``; ``hf://datasets/owner/name/file`` is a file on the hub."""
    return path.startswith(_SCHEME) and not path.startswith((f"{_SCHEME}datasets/", f"{_SCHEME}buckets/"))


def is_saved_dataset(fs: Any, root: str) -> bool:
    """Whether ``save_to_disk`` wrote a folder."""
    folder = root.rstrip("/")
    return bool(fs.exists(f"{folder}/dataset_dict.json")) or (
        bool(fs.exists(f"{folder}/dataset_info.json")) and bool(fs.exists(f"{folder}/state.json"))
    )


def dataset_rows(kind: str, path: str, source: str) -> Iterator[tuple[str, int, dict[str, Any], str | None]]:
    """(source with split, number from 1, row, licence) of every row.

    Raises:
        DataError: the dataset cannot be had.
    """
    found = _from_hub(path) if kind == HUB else _from_disk(path)
    splits = sorted(found.items()) if isinstance(found, dict) else [("", found)]
    for split, rows in splits:
        licence = getattr(rows.info, "license", None) or None
        for number, row in enumerate(rows, 1):
            yield (f"{source}/{split}" if split else source), number, dict(row), licence


def _from_disk(path: str) -> Any:
    import datasets

    datasets.disable_progress_bars()
    return datasets.load_from_disk(path)


def _from_hub(path: str) -> Any:
    import datasets

    parts = urlsplit(path)
    name = str(PurePosixPath(parts.netloc) / parts.path.lstrip("/"))
    asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
    datasets.disable_progress_bars()
    try:
        return datasets.load_dataset(name, asked.get("config"), split=asked.get("split"))
    except Exception as error:  # hub, network, cache and format each fail in their own way
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"{path}: the dataset cannot be had: {why[:200]}; check the name and the network, or save it "
            "to disk (datasets' save_to_disk) and give that folder"
        ) from None
