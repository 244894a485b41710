"""How rows lie in files of each kind: one splitter for reading them and for writing a file without some.

Role: :func:`found_rows` reads; :func:`rewritten` gives the bytes of the file with the rows that are kept.
Collaborators: ``raw_rows`` reads through it, ``decontamination`` reads and writes through it.
Invariants:
- Both see the same rows under the same numbers.
- A row that is kept as it is keeps its bytes where its file has bytes for each row (JSON Lines, CSV); a JSON
  or YAML file keeps its shape, and all of its bytes if all of its rows are kept.
- Rows that cannot be read are found with the reason, and are not kept.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from data_pipeline.ingest.bounds import refuse_growth, whole
from data_pipeline.ingest.csv_rows import CsvFile
from data_pipeline.ingest.document import Document
from data_pipeline.ingest.documents import DOCUMENT_SUFFIXES, read_document
from data_pipeline.ingest.file_kinds import LINE_SUFFIXES, TABLE_SUFFIXES
from data_pipeline.ingest.json_lines import json_lines, loads
from data_pipeline.ingest.line_file import LineFile
from data_pipeline.ingest.parsing import KILLABLE_SUFFIXES, killable_document, killable_rows
from data_pipeline.ingest.tree_rows import rows_in, with_rows
from data_pipeline.ingest.xlsx import with_xlsx_rows
from data_pipeline.text.decoding import LOST, decode
from data_pipeline.text.storable import storable
from rewards.bounded_yaml import load_yaml_documents

_PARQUET_ROWS = 1000
_HEAD = 1 << 20  # bytes that tell whether a file holds lines or one value
NO_MAPPING = "the row is not a mapping"


@dataclass(frozen=True)
class FoundRow:
    """A row of a file: its number from 1, and its value, or why it has none. ``text`` shows it then."""

    number: int
    value: Any = None
    fault: str | None = None
    text: str = ""
    document: Document | None = None


Keep = Callable[[FoundRow], Any]
"""What of a row is kept: its value, a changed one, or None. It is told of rows that cannot be read, too."""


def found_rows(file: IO[bytes], suffix: str) -> Iterator[FoundRow]:
    """The rows of an open, unpacked file in order.

    Raises:
        ValueError, yaml.YAMLError, pa.ArrowException: the file as a whole cannot be read.
    """
    return map(_no_mapping, _rows(file, suffix))


def rewritten(file: IO[bytes], suffix: str, keep: Keep) -> Iterator[bytes]:
    """The file, in pieces, with what ``keep`` leaves of its rows; it is asked once for each, in order.

    Raises:
        ValueError, yaml.YAMLError, pa.ArrowException: the file as a whole cannot be read.
    """
    if suffix in (*LINE_SUFFIXES, ".json"):
        head = file.read(_HEAD)
        if not _is_tree(head, suffix):
            yield from _kept_lines(LineFile(_Joined(head, file)), keep)
        else:
            yield _kept_tree(head + whole(file), suffix, keep)
        return
    if suffix in TABLE_SUFFIXES:
        table = CsvFile(LineFile(file), suffix)
        yield table.header
        for each in table:
            if _is_kept(FoundRow(each.number, each.value, each.fault, each.text), keep):
                yield each.raw
        return
    content = whole(file)
    found = found_rows(io.BytesIO(content), suffix)
    if suffix in DOCUMENT_SUFFIXES:
        (row,) = found
        if _is_kept(row, keep):
            yield content
    elif suffix == ".parquet":
        at = [row.number - 1 for row in found if _is_kept(row, keep)]
        out = io.BytesIO()
        pq.write_table(pq.read_table(io.BytesIO(content)).take(pa.array(at, pa.int64())), out)
        yield out.getvalue()
    elif suffix == ".xlsx":
        rows = {row.number for row in found if _is_kept(row, keep)}
        yield with_xlsx_rows(content, rows)
    else:
        yield _kept_tree(content, suffix, keep)


def _rows(file: IO[bytes], suffix: str) -> Iterator[FoundRow]:
    if suffix in DOCUMENT_SUFFIXES:
        read = killable_document if suffix in KILLABLE_SUFFIXES else read_document
        document = read(whole(file), suffix)
        yield FoundRow(1, document.text, document=document)
    elif suffix == ".parquet":
        yield from _parquet(file)
    elif suffix == ".xlsx":
        for number, (_, _, value) in enumerate(killable_rows(whole(file)), 1):
            yield FoundRow(number, value)
    elif suffix in TABLE_SUFFIXES:
        for row in CsvFile(LineFile(file), suffix):
            yield FoundRow(row.number, row.value, row.fault, row.text)
    elif suffix in (*LINE_SUFFIXES, ".json"):
        head = file.read(_HEAD)
        if _is_tree(head, suffix):
            yield from _tree(head + whole(file), suffix)
            return
        for line in json_lines(LineFile(_Joined(head, file))):
            yield FoundRow(line.number, line.value, line.fault, line.text)
    else:
        yield from _tree(whole(file), suffix)


class _Joined:
    """What was read of a stream already, and the stream."""

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head, self._rest = io.BytesIO(head), rest

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes; none at the end."""
        return self._head.read(size) or self._rest.read(size)


def _is_tree(content: bytes, suffix: str) -> bool:
    """Whether a file holds one value rather than one on each line: names do not always tell."""
    if suffix not in (*LINE_SUFFIXES, ".json"):
        return True
    text = decode(content[:_HEAD]).text.lstrip("\ufeff \t\r\n")
    first, _, rest = text.partition("\n")
    if suffix == ".json":
        return not (rest.strip() and isinstance(_value(first), dict))
    return first.strip() in ("[", "{")


def _value(text: str) -> Any:
    try:
        return loads(text)
    except ValueError:
        return None


def _parsed(content: bytes, suffix: str) -> tuple[Any, bool]:
    """(tree, whether all bytes are text)"""
    decoded = decode(content)
    if suffix in (".yaml", ".yml"):
        documents = list(load_yaml_documents(decoded.text))
        return storable(documents[0] if len(documents) == 1 else documents), not decoded.damaged
    return loads(decoded.text), not decoded.damaged


def _tree(content: bytes, suffix: str) -> Iterator[FoundRow]:
    tree, is_whole = _parsed(content, suffix)
    for number, (_, value) in enumerate(rows_in(tree), 1):
        fault = None if is_whole or LOST not in _dump(value) else "bytes that are no text"
        yield FoundRow(number, value, fault, _dump(value) if fault else "")


def _kept_tree(content: bytes, suffix: str, keep: Keep) -> bytes:
    tree, _ = _parsed(content, suffix)
    places = [place for place, _ in rows_in(tree)]
    kept, is_same = dict[Any, Any](), True
    rows = (_no_mapping(row) for row in _tree(content, suffix))
    for place, row in zip(places, rows, strict=True):
        asked = keep(row)
        left = None if row.fault else asked
        is_same = is_same and not row.fault and left is row.value
        if left is not None:
            kept[place] = left
    if is_same:
        return content
    shaped = with_rows(tree, kept)
    if suffix in (".yaml", ".yml"):
        return yaml.safe_dump(shaped, allow_unicode=True, sort_keys=False).encode()
    return json.dumps(shaped, ensure_ascii=False, indent=1 if b"\n" in content.strip() else None).encode()


def _kept_lines(lines: LineFile, keep: Keep) -> Iterator[bytes]:
    yield lines.header
    for line in json_lines(lines):
        row = _no_mapping(FoundRow(line.number, line.value, line.fault, line.text))
        left = keep(row)
        if row.fault is not None or left is None:
            continue
        if left is row.value:
            yield line.raw
        else:
            ending = line.text[len(line.text.rstrip("\r\n")) :]
            yield lines.encoded(_dump(left) + ending, like=line.raw)


def _no_mapping(row: FoundRow) -> FoundRow:
    if row.fault is not None or isinstance(row.value, dict | str):
        return row
    return FoundRow(row.number, fault=NO_MAPPING, text=_dump(row.value))


def _is_kept(row: FoundRow, keep: Keep) -> bool:
    """Where a row is kept whole or not at all."""
    left = keep(row)
    return row.fault is None and left is row.value


def _parquet(file: IO[bytes]) -> Iterator[FoundRow]:
    source = file if file.seekable() else io.BytesIO(whole(file))
    size = source.seek(0, io.SEEK_END)
    source.seek(0)
    parquet, number = pq.ParquetFile(source), 0
    groups = (parquet.metadata.row_group(at) for at in range(parquet.num_row_groups))
    refuse_growth(sum(group.total_byte_size for group in groups), size)
    for batch in parquet.iter_batches(_PARQUET_ROWS):
        for value, fault in _values(batch):
            number += 1
            yield FoundRow(number, value, fault)


def _values(batch: pa.RecordBatch) -> Iterable[tuple[Any, str | None]]:
    """The rows of a batch; one with bytes that are no text costs itself."""
    try:
        return [(value, None) for value in batch.to_pylist()]
    except UnicodeDecodeError:
        if batch.num_rows == 1:
            return [(None, "bytes that are no text")]
        parts = (batch.slice(at, 1) for at in range(batch.num_rows))
        return [found for part in parts for found in _values(part)]


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
