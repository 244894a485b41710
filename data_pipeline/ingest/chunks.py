"""Cutting a text into pieces by its structure: headings, paragraphs, sentences.

Invariants:
- A piece is a slice of the text, at most ``limit`` characters long, begins and ends at sentence ends and lies
  between two headings.
- Together the pieces and what is too long hold every character that is neither blank nor heading.
- A sentence longer than the limit is cut at its semicolons and line ends.
- What is then still too long is told apart (:class:`Chunk` with ``too_long``), not cut by force.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_PARAGRAPH_BREAK = re.compile(r"\n[^\S\n]*\n\s*")
_SENTENCE_END = re.compile(r"(?:[。！？!?…]+|\.(?=\s+[A-Z\"“]|\s*\Z))[”’」』）)】》\"']*")
_CLAUSE_END = re.compile(r"[;；]+|\n")


@dataclass(frozen=True)
class Heading:
    """A heading at text[start:end]."""

    start: int
    end: int
    title: str


@dataclass(frozen=True)
class Chunk:
    """The piece text[start:end] under a heading."""

    start: int
    end: int
    title: str | None
    too_long: bool = False


@dataclass(frozen=True)
class _Unit:
    """A sentence, and where the paragraph ends whose first sentence it is."""

    start: int
    end: int
    paragraph_end: int | None = None


def chunks(text: str, headings: Sequence[Heading], limit: int, overlap: int) -> Iterator[Chunk]:
    """The pieces of a text in its order; each begins with up to ``overlap`` characters of whole sentences
    from the end of the piece before, in the same section."""
    at, title = 0, None
    for heading in headings:
        yield from _section(text, at, heading.start, title, limit, overlap)
        at, title = heading.end, heading.title
    yield from _section(text, at, len(text), title, limit, overlap)


def _section(text: str, begin: int, end: int, title: str | None, limit: int, overlap: int) -> Iterator[Chunk]:
    units = list(_units(text, begin, end, limit))
    start: int | None = None  # of the piece that is being filled
    stop, first = begin, 0  # first: the earliest unit that a next piece may repeat
    for i, unit in enumerate(units):
        if unit.end - unit.start > limit:
            if start is not None:
                yield Chunk(start, stop, title)
            yield Chunk(unit.start, unit.end, title, too_long=True)
            start, first = None, i + 1
            continue
        whole = unit.end
        if unit.paragraph_end is not None and unit.paragraph_end - unit.start <= limit:
            whole = unit.paragraph_end  # a paragraph that fits into a piece is not cut
        if start is not None and whole - start > limit:
            yield Chunk(start, stop, title)
            start = _with_overlap(units, first, i, whole, limit, overlap)
        elif start is None:
            start = unit.start
        stop = unit.end
    if start is not None:
        yield Chunk(start, stop, title)


def _with_overlap(units: list[_Unit], first: int, i: int, whole: int, limit: int, overlap: int) -> int:
    """Where a piece begins whose first new sentence is the ``i``-th."""
    start = units[i].start
    for unit in reversed(units[first:i]):
        if units[i].start - unit.start > overlap or whole - unit.start > limit:
            break
        start = unit.start
    return start


def _units(text: str, begin: int, end: int, limit: int) -> Iterator[_Unit]:
    for left, right in _split(text, begin, end, _PARAGRAPH_BREAK):
        paragraph_end: int | None = right
        for start, stop in _split(text, left, right, _SENTENCE_END):
            pieces = [(start, stop)]
            if stop - start > limit:
                pieces = list(_split(text, start, stop, _CLAUSE_END))
                paragraph_end = None
            for a, b in pieces:
                yield _Unit(a, b, paragraph_end)
                paragraph_end = None


def _split(text: str, begin: int, end: int, at: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """The stretches between matches, each with the match that ends it, blanks at both ends left off."""
    start = begin
    for found in [*at.finditer(text, begin, end), None]:
        stop = end if found is None else found.end()
        stretch = text[start:stop]
        if stretch.strip():
            blank = len(stretch) - len(stretch.lstrip())
            yield start + blank, start + len(stretch.rstrip())
        start = stop
