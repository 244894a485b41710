"""Rows of evaluated items as parquet files: what ``bench score`` and the runner write and others read.

Invariants:
- A file in a folder is one of ours by what its schema says, not by its name; others are passed over.
- The same reply in two files is an error: its item would count twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from psyche_rl.errors import DataError
from psyche_rl.evaluation.item_result import ItemResult
from psyche_rl.store import RunStore
from psyche_rl.store.atomic import written_file

_MARK = b"psyche_rl.record"


def write_results(path: str, results: Sequence[ItemResult]) -> None:
    """Write one file, whole or not at all."""
    fs, target = fsspec.core.url_to_fs(str(Path(path).absolute()) if "://" not in path else path)
    with written_file(fs, target) as file:
        pq.write_table(ItemResult.to_table(results), file)


def read_results(*paths: str) -> list[ItemResult]:
    """The rows of all files, in the order given; a folder's files by their names.

    Raises:
        DataError: a path is missing or holds no item results, or two files hold the same reply.
    """
    origin: dict[tuple[str, str, str, int], str] = {}
    rows: list[ItemResult] = []
    for path in paths:
        found = list(_files(path))
        if not found:
            raise DataError(
                f"{path}: no item results there; give a file that 'bench score --out' has written"
            )
        for file, read in found:
            for row in read:
                key = (row.model, *row.key)
                if key in origin:
                    raise DataError(
                        f"{file}: {row.model} on item {row.item} of {row.benchmark}, sample {row.sample}, "
                        f"is in {origin[key]} already; give each result once"
                    )
                origin[key] = file
            rows += read
    return rows


def _files(path: str) -> Iterable[tuple[str, list[ItemResult]]]:
    store = RunStore(path)
    if not store.exists(""):
        raise DataError(f"{path}: no such file or folder")
    folder = store.fs.isdir(store.path(""))
    files = store.glob("**/*.parquet") if folder else [""]
    for rel in files:
        name = store.path(rel)
        try:
            with store.fs.open(name, "rb") as file:
                kind = (pq.read_schema(file).metadata or {}).get(_MARK, b"").decode()
            if kind.partition("/")[0] == ItemResult.__name__:
                yield name, ItemResult.from_table(store.read_table(rel))
        except (pa.ArrowException, ValueError) as error:
            why = (str(error).splitlines() or [""])[0][:160]
            raise DataError(f"{name} holds no rows that can be read ({why}); leave it out") from None
