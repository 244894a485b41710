"""Records that stay in their file: read again, a row group at a time, whenever they are gone through.

Role: what a list of records is to a stage whose records do not fit its memory. ``where`` and ``replaced``
leave the file as it is; a position costs four bytes.
Collaborators: ``record_file`` writes them; ``by_key`` looks one up.
Invariants:
- The order of the file is kept.
- What is gone through twice is the same twice, as long as nobody writes the file anew.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import compress, islice
from typing import Any, Generic, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from psyche_rl.errors import RunFolderError
from psyche_rl.records import Record
from psyche_rl.store.intact import intact
from psyche_rl.store.run_store import RunStore

R = TypeVar("R", bound=Record)
T = TypeVar("T")


@contextmanager
def opened_parquet(store: RunStore, rel: str) -> Iterator[pq.ParquetFile]:
    """A parquet file, to be read a row group at a time.

    Raises:
        RunFolderError: it is missing or damaged.
    """
    path = store.path(rel)
    with ExitStack() as stack, intact(path, rel):
        try:
            # A disk is read by Arrow itself: if a thread of Arrow's lets go of Python's memory while the
            # process ends, the process aborts.
            source = path if store.is_local else stack.enter_context(store.fs.open(path, "rb"))
            file = stack.enter_context(pq.ParquetFile(source, pre_buffer=False))
        except FileNotFoundError:
            raise RunFolderError(f"{path} is missing; redo the stage that writes it") from None
        yield file


@dataclass(frozen=True, eq=False)
class StoredRecords(Collection[R], Generic[R]):
    """The records of one file, or of some of its rows.

    ``rows`` are positions in the file, rising (None for all); ``instead`` are records that take the place of
    those in the file, by position.
    """

    store: RunStore
    rel: str
    kind: type[R]
    rows: np.ndarray | None = None
    instead: Mapping[int, R] = field(default_factory=dict)

    def __len__(self) -> int:
        if self.rows is not None:
            return len(self.rows)
        with self.opened() as file:
            return int(file.metadata.num_rows)

    def __iter__(self) -> Iterator[R]:
        for rows, table in self._chunks():
            with intact(self.store.path(self.rel), self.rel):
                records = self.kind.from_table(table)
            if self.instead:
                records = [self.instead.get(int(row), r) for row, r in zip(rows, records, strict=True)]
            yield from records

    def __contains__(self, record: object) -> bool:
        return any(record == one for one in self)

    def __getitem__(self, part: slice) -> StoredRecords[R]:
        """Records from one place to another."""
        return replace(self, rows=self._positions()[part])

    def column(self, name: str) -> Iterator[Any]:
        """One field of each record, without reading the others."""
        if self.instead:
            yield from (getattr(record, name) for record in self)
            return
        for rows, table in self._chunks([name]):
            if name in table.column_names:
                yield from table.column(name).to_pylist(maps_as_pydicts="strict")
            else:  # a file of before there was the field
                yield from [self.kind.model_fields[name].get_default()] * len(rows)

    def table(self) -> pa.Table:
        """All of them as one table."""
        if self.instead:
            return self.kind.to_table(self)
        found = [table for _, table in self._chunks()]
        return pa.concat_tables(found) if found else self.kind.to_table([])

    def where(self, kept: Iterable[bool]) -> StoredRecords[R]:
        """Those of which ``kept`` says so; it has one value for each."""
        mask = np.fromiter(kept, bool)
        return replace(self, rows=self._positions()[mask])

    def replaced(self, places: Mapping[int, R]) -> StoredRecords[R]:
        """With other records in some places of these."""
        if not places:
            return self
        rows = self._positions()
        return replace(self, instead={**self.instead, **{int(rows[at]): r for at, r in places.items()}})

    @contextmanager
    def opened(self) -> Iterator[pq.ParquetFile]:
        """The file, to be read a row group at a time.

        Raises:
            RunFolderError: it is missing, damaged, or holds other records or those of a newer version.
        """
        with opened_parquet(self.store, self.rel) as file:
            if (why := self.kind.misfit(file.schema_arrow)) is not None:
                raise RunFolderError(f"{self.store.path(self.rel)}: {why}")
            yield file

    def group(self, number: int) -> pa.Table:
        """A row group of the file, whole."""
        with self.opened() as file:
            return file.read_row_group(number, use_threads=False)

    def _positions(self) -> np.ndarray:
        return np.arange(len(self), dtype=np.int32) if self.rows is None else self.rows

    def _chunks(self, columns: list[str] | None = None) -> Iterator[tuple[np.ndarray, pa.Table]]:
        """Positions and rows of each row group that has any."""
        with self.opened() as file:
            begin = 0
            for group in range(file.num_row_groups):
                count = file.metadata.row_group(group).num_rows
                rows = np.arange(begin, begin + count, dtype=np.int32)
                begin += count
                if self.rows is not None:
                    first, last = np.searchsorted(self.rows, (rows[0], rows[-1] + 1)) if count else (0, 0)
                    if first == last:
                        continue
                    rows = self.rows[first:last]
                table = file.read_row_group(group, columns=columns, use_threads=False)
                if len(rows) < count:
                    table = table.take(pa.array(rows - (begin - count)))
                yield rows, table


class Joined(Collection[T], Generic[T]):
    """Several collections one after another, gone through again whenever they are asked for."""

    def __init__(self, *parts: Collection[T]) -> None:
        self._parts = parts

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def __iter__(self) -> Iterator[T]:
        for part in self._parts:
            yield from part

    def __contains__(self, record: object) -> bool:
        return any(record in part for part in self._parts)


@dataclass(frozen=True, eq=False)
class Mapped(Collection[T], Generic[T]):
    """What a function makes of each record, made anew whenever it is asked for."""

    records: Collection[Any]
    make: Callable[[Any], T]

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[T]:
        return map(self.make, self.records)

    def __contains__(self, record: object) -> bool:
        return any(record == one for one in self)


def where(records: Collection[R], kept: Iterable[bool]) -> Collection[R]:
    """The records of which ``kept`` says so; those of a file stay there."""
    if isinstance(records, StoredRecords):
        return records.where(kept)
    return list(compress(records, kept))


def piece(records: Collection[R], begin: int, end: int) -> Collection[R]:
    """The records from one place to another."""
    if isinstance(records, StoredRecords):
        return records[begin:end]
    return list(islice(records, begin, end))


def replaced(records: Collection[R], places: Mapping[int, R]) -> Collection[R]:
    """The records with others in some places."""
    if isinstance(records, StoredRecords):
        return records.replaced(places)
    return [places.get(at, record) for at, record in enumerate(records)]


def one_field(records: Collection[R], name: str) -> Iterator[Any]:
    """One field of each record."""
    if isinstance(records, StoredRecords):
        return records.column(name)
    return (getattr(record, name) for record in records)
