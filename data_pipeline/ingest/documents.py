"""Whole texts from files: the text, its headings, and where its pages or chapters begin.

Role: one reader per kind of file (``markdown``, ``html``, ``epub``, ``pdf`` in modules of their own).
Invariants: reading the same bytes gives the same text, so that a record's offset can be looked up again
with :func:`read_document`; nothing is executed, fetched or written.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable
from dataclasses import dataclass

from data_pipeline.ingest.chunks import Heading

_TXT_HEADING = re.compile(
    r"^(?:#{1,6}[^\S\n]*(?P<sharp>[^\n]+?)[^\S\n]*#*"
    r"|(?P<chapter>[^\S\n]*第[一二三四五六七八九十百零〇\d]{1,4}[章节篇编部讲课](?![^\n]{40})[^\n。！？；，]*))$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Document:
    """A text; ``parts`` are the offsets at which its pages or chapters begin."""

    text: str
    headings: tuple[Heading, ...] = ()
    parts: tuple[int, ...] = (0,)
    licence: str | None = None

    def part_of(self, offset: int) -> int:
        """The page or chapter, from 1, in which an offset lies."""
        return max(1, bisect.bisect_right(self.parts, offset))


def read_document(content: bytes, suffix: str) -> Document:
    """The text of a file's bytes; ``suffix`` is one of :data:`DOCUMENT_SUFFIXES`.

    Raises:
        ValueError: the file is broken, encrypted, or holds no text.
    """
    document = _READERS[suffix](content)
    if not document.text.strip():
        remedy = "; run text recognition on scanned pages first" if suffix == ".pdf" else ""
        raise ValueError(f"the file holds no text{remedy}")
    return document


def decode(content: bytes) -> str:
    """UTF-8, with or without a mark, else GB 18030; line ends as ``\\n``.

    Raises:
        UnicodeDecodeError: it is neither.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def headings_of_plain_text(text: str) -> tuple[Heading, ...]:
    """Lines such as ``# 记忆`` and ``第二章 记忆``."""
    return tuple(
        Heading(found.start(), found.end(), (found["sharp"] or found["chapter"]).strip())
        for found in _TXT_HEADING.finditer(text)
    )


def _plain(content: bytes) -> Document:
    text = decode(content)
    return Document(text, headings_of_plain_text(text))


def _markdown(content: bytes) -> Document:
    from data_pipeline.ingest.markdown import markdown_headings

    text = decode(content)
    return Document(text, markdown_headings(text))


def _html(content: bytes) -> Document:
    from data_pipeline.ingest.html import html_document

    return html_document(content)


def _epub(content: bytes) -> Document:
    from data_pipeline.ingest.epub import epub_document

    return epub_document(content)


def _pdf(content: bytes) -> Document:
    from data_pipeline.ingest.pdf import pdf_document

    return pdf_document(content)


_READERS: dict[str, Callable[[bytes], Document]] = {
    ".txt": _plain,
    ".md": _markdown,
    ".markdown": _markdown,
    ".html": _html,
    ".htm": _html,
    ".xhtml": _html,
    ".epub": _epub,
    ".pdf": _pdf,
}
DOCUMENT_SUFFIXES = tuple(_READERS)
