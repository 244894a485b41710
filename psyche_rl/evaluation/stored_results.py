"""Item results that were stored, from any number of files and folders.

Collaborators: ``item_result`` is the row; leaderboard, logs and comparisons read through here. Invariants:
- A file is one of ours by what its schema says, not by its name; others in a folder are passed over.
- The same reply in two files is an error: its item would count twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from psyche_rl.errors import DataError
from psyche_rl.evaluation.item_result import ItemResult
from psyche_rl.store import RunStore

_MARK = b"psyche_rl.record"


def read_results(paths: Sequence[str]) -> list[ItemResult]:
    """The rows of all files, in the order given; a folder's files by their names.

    Raises:
        DataError: a path is missing or holds no item results, or two files hold the same reply.
    """
    origin: dict[tuple[str, str, str, int], str] = {}
    rows: list[ItemResult] = []
    for path in paths:
        found = list(_tables(path))
        if not found:
            raise DataError(f"{path}: no item results there; give what `psyche-rl bench run` wrote")
        for file, table in found:
            read = ItemResult.from_table(table)
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


def _tables(path: str) -> Iterable[tuple[str, pa.Table]]:
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
                yield name, store.read_table(rel)
        except (pa.ArrowException, ValueError) as error:
            why = (str(error).splitlines() or [""])[0][:160]
            raise DataError(
                f"{name} cannot be read as parquet ({why}); leave it out or bring back a copy"
            ) from None
