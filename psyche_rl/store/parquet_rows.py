"""Rows of a parquet file of any columns as dictionaries, read a row group at a time, as often as wanted."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from psyche_rl.store.run_store import RunStore
from psyche_rl.store.stored_records import opened_parquet


@dataclass(frozen=True, eq=False)
class ParquetRows(Collection[dict[str, Any]]):
    """All rows of one file."""

    store: RunStore
    rel: str

    def __len__(self) -> int:
        with opened_parquet(self.store, self.rel) as file:
            return int(file.metadata.num_rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        with opened_parquet(self.store, self.rel) as file:
            for group in range(file.num_row_groups):
                yield from file.read_row_group(group, use_threads=False).to_pylist()

    def __contains__(self, row: object) -> bool:
        return any(row == one for one in self)
