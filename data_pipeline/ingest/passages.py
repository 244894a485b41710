"""Texts as passages: whole files cut at paragraphs, rows with a text, or exam items' explanations."""

from __future__ import annotations

import re
from collections.abc import Iterator

from data_pipeline.clean import fold
from data_pipeline.ingest.rows import RawRow, bad_row, read_rows, text_of
from psyche_rl.errors import DataError
from psyche_rl.records import Passage, Quarantined, content_id

STAGE = "ingest.passages"
LONGEST_PASSAGE = 600  # characters of a passage cut from a longer text
_TEXT = ("text", "content", "passage", "body", "analysis", "explanation")
_TITLE = ("title", "name", "subject_name")
_HEADING = re.compile(r"^#{1,6}\s*(.+?)\s*#*$")


def ingest_passages(path: str) -> tuple[list[Passage], list[Quarantined]]:
    """Passages of a file or folder, and the rows that hold none.

    Raises:
        DataError: the path is missing or nothing in it is a passage.
    """
    passages: list[Passage] = []
    bad: list[Quarantined] = []
    for row in read_rows(path, STAGE):
        if isinstance(row, Quarantined):
            bad.append(row)
            continue
        found = list(_passages_of(row))
        passages += found
        if not found:
            bad.append(bad_row(STAGE, row, f"no text under any of: {', '.join(_TEXT)}"))
    if not passages:
        first = f"; the first reason: {bad[0].reason}" if bad else ""
        raise DataError(f"{path}: no passage among {len(bad)} rows{first}")
    return passages, bad


def _passages_of(row: RawRow) -> Iterator[Passage]:
    if isinstance(row.value, str):
        for title, text in cut(row.value):
            yield _passage(row, title, text)
        return
    nested = row.value.get("questions_and_answers")
    for item in nested if isinstance(nested, list) else [row.value]:
        text = text_of(item, _TEXT) if isinstance(item, dict) else None
        if text is not None:
            yield _passage(row, text_of(item, _TITLE), text)


def _passage(row: RawRow, title: str | None, text: str) -> Passage:
    return Passage(id=content_id("passage", text), text=text, title=title, source=row.source, row=row.row)


def cut(text: str) -> Iterator[tuple[str | None, str]]:
    """(heading, text) pieces of at most about :data:`LONGEST_PASSAGE` characters, cut at paragraphs and,
    where a paragraph is longer than that, at sentence ends. A Markdown heading begins a new piece."""
    title: str | None = None
    piece = ""
    for paragraph in re.split(r"\n\s*\n|\n(?=#{1,6}\s)|(?<=\n)(?=#{1,6}\s)", text):
        lines = paragraph.strip().splitlines()
        heading = _HEADING.match(lines[0]) if lines else None
        if heading:
            if piece:
                yield title, piece
            title, piece, lines = fold(heading[1]), "", lines[1:]
        for sentence in re.findall(r"[^。！？!?]*[。！？!?]*[”’」』]?", "\n".join(lines)):
            if piece and len(piece) + len(sentence) > LONGEST_PASSAGE:
                yield title, piece
                piece = ""
            piece += sentence
        piece = piece.strip() + "\n\n" if piece.strip() else ""
    if piece.strip():
        yield title, piece.strip()
