"""What a block of work gives back: records of several kinds in one arrow table.

A Ray Data function returns one table per block, but work on a row ends in a record or in a quarantined
row. So each record is a row with one column per kind, all but its own null; the order of the work is
the order of the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from psyche_rl.records import Record

R = TypeVar("R", bound=Record)


def to_mixed(records: Iterable[Record], kinds: Sequence[type[Record]]) -> pa.Table:
    """Records of any of ``kinds`` as one table.

    Raises:
        TypeError: a record is of none of the kinds.
    """
    rows = []
    for record in records:
        if type(record) not in kinds:
            raise TypeError(f"{type(record).__name__} is not among {[k.__name__ for k in kinds]}")
        rows.append({type(record).__name__: record.model_dump()})
    schema = pa.schema([pa.field(kind.__name__, pa.struct(list(kind.arrow_schema()))) for kind in kinds])
    return pa.Table.from_pylist(rows, schema=schema)


def places_of(table: pa.Table, kind: type[Record]) -> list[int]:
    """Indices of the rows that hold a record of one kind, ascending."""
    places: list[int] = pc.indices_nonzero(table.column(kind.__name__).is_valid()).to_pylist()
    return places


def from_mixed(table: pa.Table, kind: type[R]) -> list[R]:
    """The records of one kind, in order."""
    column = table.column(kind.__name__)
    return [kind.model_validate(row) for row in column.drop_null().to_pylist(maps_as_pydicts="strict")]


def column_of(table: pa.Table, kind: type[Record]) -> pa.StructArray:
    """The same as they stand in arrow, without making records of them."""
    column: pa.StructArray = table.column(kind.__name__).combine_chunks().drop_null()
    return column
