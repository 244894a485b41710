"""A parquet file of one kind of record that grows block by block.

Invariants:
- Nothing stands under its name before all is written.
- In memory there is one row group at most.
- Row groups have :data:`ROW_GROUP` rows, however many a block brings, so that the same records are the same
  bytes, and a reader holds no more at once than the writer did.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from types import TracebackType
from typing import Generic, Self, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from psyche_rl.records import Record
from psyche_rl.store.run_store import ROW_GROUP, RunStore
from psyche_rl.store.stored_records import StoredRecords

R = TypeVar("R", bound=Record)
AT_ONCE = 256  # records that are turned into columns together


class TableFile:
    """Rows of one schema. Use as a context: what was written is there when it ends without an error."""

    def __init__(self, store: RunStore, rel: str, schema: pa.Schema) -> None:
        self._schema, self._whole, self._opening = schema, ExitStack(), store.writing(rel)
        self._writer: pq.ParquetWriter | None = None
        self._held: list[pa.Table] = []
        self._rows = 0

    def __enter__(self) -> Self:
        file = self._whole.enter_context(self._opening)
        self._writer = pq.ParquetWriter(file, self._schema, compression="zstd")
        return self

    def write_table(self, table: pa.Table) -> None:
        """Append rows."""
        if not table.num_rows:
            return
        self._held.append(table.cast(self._schema))
        self._rows += table.num_rows
        while self._rows >= ROW_GROUP:
            whole = pa.concat_tables(self._held)
            self._put(whole.slice(0, ROW_GROUP))
            self._held, self._rows = [whole.slice(ROW_GROUP)], self._rows - ROW_GROUP

    def _put(self, table: pa.Table) -> None:
        if self._writer is not None and table.num_rows:
            self._writer.write_table(table.combine_chunks())  # a row group of its own

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            if error is None and self._held:
                self._put(pa.concat_tables(self._held))
            self._writer.close()
        self._whole.__exit__(kind, error, trace)


class RecordFile(TableFile, Generic[R]):
    """The same of one kind of record."""

    def __init__(self, store: RunStore, rel: str, kind: type[R]) -> None:
        super().__init__(store, rel, kind.arrow_schema())
        self._store, self._rel, self._kind = store, rel, kind

    def write(self, records: pa.StructArray) -> None:
        """Append records as they come out of an outcome table."""
        if len(records):
            self.write_table(pa.Table.from_struct_array(records))

    def write_records(self, records: Iterable[R]) -> None:
        """Append records."""
        block: list[R] = []
        for record in records:
            block.append(record)
            if len(block) == AT_ONCE:
                self.write_table(self._kind.to_table(block))
                block.clear()
        if block:
            self.write_table(self._kind.to_table(block))

    @property
    def stored(self) -> StoredRecords[R]:
        """What the file holds; to be read once it is whole."""
        return StoredRecords(self._store, self._rel, self._kind)


def written(store: RunStore, rel: str, kind: type[R], records: Iterable[R]) -> StoredRecords[R]:
    """Write records as they come, and hand on the file in their place."""
    with RecordFile(store, rel, kind) as file:
        file.write_records(records)
    return file.stored
