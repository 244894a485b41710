"""A parquet file of one kind of record that grows block by block.

Invariants:
- Nothing stands under its name before all is written.
- In memory there is one row group at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from psyche_rl.records import Record
from psyche_rl.store import RunStore


class RecordFile:
    """Use as a context: what was written is there when it ends without an error."""

    def __init__(self, store: RunStore, rel: str, kind: type[Record]) -> None:
        self._kind, self._whole = kind, ExitStack()
        self._opening = store.writing(rel)
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> Self:
        file = self._whole.enter_context(self._opening)
        self._writer = pq.ParquetWriter(file, self._kind.arrow_schema(), compression="zstd")
        return self

    def write(self, records: pa.StructArray) -> None:
        """Append records as they come out of an outcome table."""
        if len(records) and self._writer is not None:
            table = pa.Table.from_struct_array(records)
            self._writer.write_table(table.cast(self._kind.arrow_schema()))

    def write_records(self, records: Sequence[Record]) -> None:
        """Append records."""
        if records and self._writer is not None:
            self._writer.write_table(self._kind.to_table(records))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()
        self._whole.__exit__(kind, error, trace)
