"""Rows of a CSV or TSV file, with the bytes of each.

Invariants:
- The header and the rows together are the file (blank lines left out), byte for byte.
- A quotation mark that is never closed costs its own line, not the rest of the file.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from data_pipeline.ingest.line_file import LineFile

MOST_LINES = 2000  # of one row; a quotation mark that is open for longer is a stray one
_DELIMITERS = {".csv": (",", ";", "\t", "|"), ".tsv": ("\t",)}
csv.field_size_limit(1 << 30)


@dataclass(frozen=True)
class CsvRow:
    """A row: its number from 1 (the header is none), its bytes, and its cells by column, or why not."""

    number: int
    raw: bytes
    text: str
    value: dict[str, str] | None = None
    fault: str | None = None


class CsvFile:
    """A table with a header; ``header`` is what stands before its rows."""

    def __init__(self, lines: LineFile, suffix: str) -> None:
        self._lines = lines
        self._raw = _parted(lines)
        self._again: deque[bytes] = deque()
        first, self._delimiter = b"", ","
        for first in self._raw:
            if lines.text(first)[0].strip("\ufeff \t\r\n"):
                break
        text = lines.text(first)[0].lstrip("\ufeff")
        self._delimiter = max(_DELIMITERS[suffix], key=text.count)
        self._again.append(first)
        raw, cells, _ = self._record()
        self.header = lines.header + raw
        self._columns = column_names(cells)

    def __iter__(self) -> Iterator[CsvRow]:
        """The rows; once."""
        number = 0
        while True:
            raw, cells, fault = self._record()
            if not raw:
                return
            text, is_whole = self._lines.text(raw)
            if not text.strip():
                continue
            number += 1
            if fault is None and not is_whole:
                fault = "bytes that are no text in any encoding that is read"
            if fault is None and len(cells) > len(self._columns):
                fault = f"{len(cells)} cells under {len(self._columns)} columns"
            if fault is not None:
                yield CsvRow(number, raw, text, fault=fault)
            else:
                yield CsvRow(number, raw, text, row_of(self._columns, cells))

    def _record(self) -> tuple[bytes, list[str], str | None]:
        """(bytes, cells, fault) of the next record; no bytes at the end."""
        taken: list[bytes] = []

        def texts() -> Iterator[str]:
            while len(taken) < MOST_LINES:
                line = self._again.popleft() if self._again else next(self._raw, None)
                if line is None:
                    return
                taken.append(line)
                yield self._lines.text(line)[0].replace("\0", "")

        reader = csv.reader(texts(), delimiter=self._delimiter, strict=True)
        try:
            cells = next(reader, [])
            return b"".join(taken), cells, None
        except csv.Error as error:
            self._again.extendleft(reversed(taken[1:]))
            return taken[0], [], f"not a row of a table: {error}"


def _parted(lines: LineFile) -> Iterator[bytes]:
    """The lines, those that hold several because they end in carriage returns cut apart."""
    for line in lines:
        text = lines.text(line)[0]
        if "\r" not in text.rstrip("\r\n") or text.count('"') % 2:
            yield line
            continue
        whole = b""
        for piece in lines.pieces(line):
            if lines.text(piece)[0].strip("\r\n") and whole:
                yield whole
                whole = b""
            whole += piece
        yield whole


def column_names(cells: Sequence[str]) -> list[str]:
    """The names of columns, each once: a second "answer" is "answer.2", one without a name "column.3"."""
    names: list[str] = []
    for at, cell in enumerate(cells, 1):
        name = cell.strip().lstrip("\ufeff") or f"column.{at}"
        names.append(name if name not in names else f"{name}.{at}")
    return names


def row_of(columns: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    """Cells by column; missing ones at the end are empty."""
    return {name: cells[at] if at < len(cells) else "" for at, name in enumerate(columns)}
