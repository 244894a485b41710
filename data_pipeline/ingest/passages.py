"""Texts as passages: documents and rows with a text, cut by structure where they are long, or exam items'
explanations.

Invariants: a passage's text is the slice [offset, offset + length] of the text it comes from (the document
as ``documents.read_document`` gives it, or the row's field), so that its provenance can be checked.
"""

from __future__ import annotations

from collections.abc import Iterator

from data_pipeline.ingest.chunks import Chunk, Heading, chunks
from data_pipeline.ingest.document import headings_of_plain_text
from data_pipeline.ingest.raw_rows import Input, RawRow, bad_row, inputs, rows_of, text_of
from data_pipeline.text.folding import fold
from psyche_rl.config.data import DataConfig
from psyche_rl.errors import DataError
from psyche_rl.records import Passage, Quarantined, content_id

STAGE = "ingest.passages"
DEFAULT = DataConfig()
_TEXT = ("text", "content", "passage", "body", "analysis", "explanation")
_TITLE = ("title", "name", "subject_name")
_LICENCE = ("licence", "license")


def ingest_passages(path: str, data: DataConfig = DEFAULT) -> tuple[list[Passage], list[Quarantined]]:
    """Passages of a file, folder or dataset, and the rows that hold none.

    Raises:
        DataError: the path is missing or nothing in it is a passage.
    """
    passages: list[Passage] = []
    bad: list[Quarantined] = []
    for found in inputs(path, data.follow_links):
        for outcome in read_passages(found, data):
            if isinstance(outcome, Passage):
                passages.append(outcome)
            else:
                bad.append(outcome)
    if not passages:
        raise nothing_found(path, "passage", len(bad), bad[0].reason if bad else None)
    return passages, bad


def read_passages(found: Input, data: DataConfig) -> Iterator[Passage | Quarantined]:
    """The passages of one input, one by one, and what holds none.

    Raises:
        DataError: the input is unreadable and all there is.
    """
    for row in rows_of(found, STAGE):
        if isinstance(row, Quarantined):
            yield row
            continue
        any_text = False
        for text, title in _texts(row):
            any_text = True
            yield from _cut(row, text, title, data)
        if not any_text:
            yield bad_row(STAGE, row, f"no text under any of: {', '.join(_TEXT)}")


def nothing_found(path: str, what: str, rows: int, reason: str | None) -> DataError:
    """The one line for an input in which nothing can be used."""
    first = f"; the first reason: {reason}" if reason else ""
    return DataError(f"{path}: no {what} among {rows} rows{first}")


def _texts(row: RawRow) -> Iterator[tuple[str, str | None]]:
    """(text, title) of each text in a row."""
    if isinstance(row.value, str):
        yield row.value, None
        return
    nested = row.value.get("questions_and_answers")
    for item in nested if isinstance(nested, list) else [row.value]:
        text = text_of(item, _TEXT) if isinstance(item, dict) else None
        if text is not None:
            yield text, text_of(item, _TITLE)


def _cut(row: RawRow, text: str, title: str | None, data: DataConfig) -> Iterator[Passage | Quarantined]:
    headings: tuple[Heading, ...] = ()
    if row.document is not None:
        headings = row.document.headings
    elif isinstance(row.value, str):
        headings = headings_of_plain_text(text)
    elif len(text) <= data.chunk_chars:
        yield _passage(row, text, Chunk(0, len(text), title), data)
        return
    pieces = False
    for chunk in chunks(text, headings, data.chunk_chars, data.chunk_overlap):
        pieces = True
        if chunk.too_long:
            length = chunk.end - chunk.start
            why = f"a sentence of {length} characters at {chunk.start} exceeds data.chunk_chars"
            yield bad_row(STAGE, RawRow(row.source, row.row, text[chunk.start : chunk.end]), why)
        else:
            named = chunk if chunk.title else Chunk(chunk.start, chunk.end, title)
            yield _passage(row, text, named, data)
    if not pieces:
        yield bad_row(STAGE, row, "nothing but headings")


def _passage(row: RawRow, text: str, chunk: Chunk, data: DataConfig) -> Passage:
    piece = text[chunk.start : chunk.end]
    licence = text_of(row.value, _LICENCE) if isinstance(row.value, dict) else None
    return Passage(
        id=content_id("passage", piece),
        text=piece,
        title=fold(chunk.title) if chunk.title else None,
        source=row.source,
        row=row.document.part_of(chunk.start) if row.document else row.row,
        offset=chunk.start,
        length=chunk.end - chunk.start,
        licence=licence or row.licence or data.licence,
    )
