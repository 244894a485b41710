"""Rows of an Excel workbook (Office Open XML), read from its parts: every sheet with a header row.

Source: ECMA-376, part 1, 18.3 (worksheets) and 18.4 (shared strings). Formulas count by their last value.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Collection, Iterator
from xml.etree import ElementTree

from data_pipeline.ingest.archive import open_archive, xml_of
from data_pipeline.ingest.csv_rows import column_names, row_of

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_COLUMN = re.compile("[A-Z]{1,9}")
_MOST_COLUMNS = 16_384  # that a workbook can have


def xlsx_rows(content: bytes) -> Iterator[tuple[str, int, dict[str, str]]]:
    """(part of the archive, number of the row in its sheet, cells by column) of each row with text.

    Raises:
        ValueError: it is no workbook.
    """
    try:
        with open_archive(content) as book:
            parts = book.namelist()
            strings = list(_strings(book)) if "xl/sharedStrings.xml" in parts else []
            sheets = sorted(
                (part for part in parts if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", part)),
                key=lambda part: int(re.sub(r"\D", "", part)),
            )
            if not sheets:
                raise ValueError("not a workbook: it holds no sheet")
            for part in sheets:
                yield from _rows(part, book.read(part), strings)
    except (zipfile.BadZipFile, ElementTree.ParseError, KeyError, IndexError) as error:
        raise ValueError(f"not a readable workbook: {error}") from error


def with_xlsx_rows(content: bytes, kept: Collection[int]) -> bytes:
    """The workbook with only these rows, by their places among those of :func:`xlsx_rows`, from 1."""
    gone: dict[str, set[int]] = {}
    for place, (part, number, _) in enumerate(xlsx_rows(content), 1):
        if place not in kept:
            gone.setdefault(part, set()).add(number)
    out = io.BytesIO()
    with open_archive(content) as book, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in book.namelist():
            text = book.read(part)
            for number in gone.get(part, ()):
                row = rf'<row\b[^>]*\br="{number}"[^>]*?(?:/>|>.*?</row>)'.encode()
                text = re.sub(row, b"", text, count=1, flags=re.DOTALL)
            new.writestr(part, text)
    return out.getvalue()


def _rows(part: str, sheet: bytes, strings: list[str]) -> Iterator[tuple[str, int, dict[str, str]]]:
    columns: list[str] | None = None
    for at, row in enumerate(xml_of(sheet).iter(f"{_MAIN}row"), 1):
        cells = list(_cells(row, strings))
        if not any(cell.strip() for cell in cells):
            continue
        if columns is None:
            columns = column_names(cells)
        else:
            columns += [f"column.{n}" for n in range(len(columns) + 1, len(cells) + 1)]
            yield part, int(row.get("r", at)), row_of(columns, cells)


def _cells(row: ElementTree.Element, strings: list[str]) -> Iterator[str]:
    reached = 0
    for cell in row.iter(f"{_MAIN}c"):
        named = _COLUMN.match(cell.get("r", ""))
        at = _place(named[0]) if named else reached
        if at >= _MOST_COLUMNS:
            raise ValueError(f"a cell {cell.get('r', '')[:20]} is beyond column {_MOST_COLUMNS:,}")
        yield from [""] * (at - reached)
        reached = at + 1
        yield _text(cell, strings)


def _place(letters: str) -> int:
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - ord("A") + 1
    return place - 1


def _text(cell: ElementTree.Element, strings: list[str]) -> str:
    kind = cell.get("t")
    if kind == "inlineStr":
        return "".join(text.text or "" for text in cell.iter(f"{_MAIN}t"))
    value = cell.findtext(f"{_MAIN}v") or ""
    if kind == "s" and value:
        return strings[int(value)]
    return re.sub(r"^(-?\d+)\.0+$", r"\1", value)


def _strings(book: zipfile.ZipFile) -> Iterator[str]:
    for item in xml_of(book.read("xl/sharedStrings.xml")).iter(f"{_MAIN}si"):
        phonetic = {id(text) for ruby in item.iter(f"{_MAIN}rPh") for text in ruby.iter(f"{_MAIN}t")}
        yield "".join(t.text or "" for t in item.iter(f"{_MAIN}t") if id(t) not in phonetic)
