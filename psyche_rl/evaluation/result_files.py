"""Rows of evaluated items as parquet files: what ``bench score`` and the runner write and others read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from psyche_rl.errors import DataError
from psyche_rl.evaluation.item_result import ItemResult
from psyche_rl.store.atomic import written_file


def write_results(path: str, results: Sequence[ItemResult]) -> None:
    """Write one file, whole or not at all."""
    fs, target = fsspec.core.url_to_fs(str(Path(path).absolute()) if "://" not in path else path)
    with written_file(fs, target) as file:
        pq.write_table(ItemResult.to_table(results), file)


def read_results(path: str) -> list[ItemResult]:
    """The rows of a file, or of all parquet files in a folder, in the order of their names.

    Raises:
        DataError: there is no such file, or it holds other rows.
    """
    fs, root = fsspec.core.url_to_fs(path)
    files = sorted(f for f in fs.find(root) if f.endswith(".parquet")) if fs.isdir(root) else [root]
    if not files or not fs.exists(files[0]):
        raise DataError(f"{path}: no results are there; give a file that 'bench score --out' has written")
    found: list[ItemResult] = []
    for file in files:
        try:
            with fs.open(file, "rb") as handle:
                found += ItemResult.from_table(pq.read_table(handle))
        except (pa.ArrowInvalid, ValueError, KeyError) as error:
            why = str(error).splitlines()[0]
            raise DataError(f"{file}: holds no rows of evaluated items ({why})") from None
    return found
