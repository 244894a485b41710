"""The base of all wire types: frozen pydantic models that know their arrow and JSON schemas.

Invariants:
- Records are immutable and hold data only.
- Every field maps to one arrow type, so any list of records is one parquet file.
- ``SCHEMA_VERSION`` changes when a field changes meaning or one is added; an added field has a default, which
  older files are read with.
"""

from __future__ import annotations

import hashlib
import types
import typing
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Literal, Self, Union

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

_TOLD = b"psyche_rl.record"
"""Metadata of a parquet file: ``NAME/VERSION`` of the records that it holds."""


class Record(BaseModel):
    """A frozen row that travels between stages, actors and files."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    SCHEMA_VERSION: ClassVar[int] = 1

    @classmethod
    def arrow_schema(cls) -> pa.Schema:
        """The parquet schema of a table of these records."""
        fields = [_arrow_field(name, f.annotation) for name, f in cls.model_fields.items()]
        metadata = {_TOLD: f"{cls.__name__}/{cls.SCHEMA_VERSION}".encode()}
        return pa.schema(fields, metadata=metadata)

    @classmethod
    def misfit(cls, schema: pa.Schema) -> str | None:
        """Why a table of this schema holds no records of this kind that this version reads; None if it may.

        A table that does not tell what it holds is taken by its columns.
        """
        told = (schema.metadata or {}).get(_TOLD, b"").decode("utf-8", "replace")
        name, _, version = told.rpartition("/")
        if not told or cls is Record:
            return None
        if name != cls.__name__:
            return f"it holds records {told}, not {cls.__name__}"
        if not version.isdecimal():
            return f"it holds {name} of version {version!r}, which is none"
        if int(version) > cls.SCHEMA_VERSION:
            return (
                f"it holds {name} of version {version}, and this version of psyche-rl reads up to "
                f"{cls.SCHEMA_VERSION}; install the one that wrote it"
            )
        return None

    @classmethod
    def to_table(cls, records: Iterable[Self]) -> pa.Table:
        """Records as one arrow table, in the order given."""
        return pa.Table.from_pylist([r.model_dump() for r in records], schema=cls.arrow_schema())

    @classmethod
    def from_table(cls, table: pa.Table) -> list[Self]:
        """The records of a table written by :meth:`to_table`.

        Raises:
            pydantic.ValidationError: a row does not fit the record.
        """
        return [cls.model_validate(row) for row in table.to_pylist(maps_as_pydicts="strict")]


def told_kind(schema: pa.Schema) -> type[Record]:
    """The kind of records that a table says it holds; ``Record`` itself where it says none that is known."""
    name = (schema.metadata or {}).get(_TOLD, b"").decode("utf-8", "replace").rpartition("/")[0]
    kinds = [Record]
    for kind in kinds:  # grows meanwhile
        kinds += kind.__subclasses__()
    return next((kind for kind in kinds if kind.__name__ == name), Record)


def content_id(prefix: str, *parts: str) -> str:
    """An id that depends on the content alone: the same record gets the same id in every run."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
    return f"{prefix}-{digest[:16]}"


_SCALARS: dict[Any, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
}


def _arrow_field(name: str, annotation: Any) -> pa.Field:
    inner, nullable = _strip_optional(annotation)
    return pa.field(name, _arrow_type(inner), nullable=nullable)


def _arrow_type(annotation: Any) -> pa.DataType:
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return pa.string()
    if origin in (tuple, list, Sequence):
        return pa.list_(_arrow_type(args[0]))
    if origin is dict:
        return pa.map_(_arrow_type(args[0]), _arrow_type(args[1]))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return pa.struct([_arrow_field(n, f.annotation) for n, f in annotation.model_fields.items()])
    raise TypeError(f"no arrow type for {annotation!r}")


def _strip_optional(annotation: Any) -> tuple[Any, bool]:
    if typing.get_origin(annotation) in (Union, types.UnionType):
        args = [a for a in typing.get_args(annotation) if a is not type(None)]
        if len(args) == 1:
            return args[0], True
    return annotation, False
