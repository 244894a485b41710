"""Whole texts from files, by the kind of file.

Role: one reader per kind of file (``markdown``, ``html``, ``epub``, ``pdf``, ``docx`` in
  modules of their own).
Invariants:
- Reading the same bytes gives the same text, so that a record's offset can be looked up again with
  :func:`read_document`.
- Nothing is executed, fetched or written.
"""

from __future__ import annotations

from collections.abc import Callable

from data_pipeline.ingest.document import Document, MissingPart, headings_of_plain_text
from data_pipeline.ingest.docx import docx_document
from data_pipeline.ingest.epub import epub_document
from data_pipeline.ingest.html import html_document
from data_pipeline.ingest.markdown import markdown_headings
from data_pipeline.ingest.pdf import pdf_document
from data_pipeline.text.decoding import decode, without_lost
from rewards.text.unicode import whole_characters

NAMED = 5  # damaged lines that are named and shown


def read_document(content: bytes, suffix: str) -> Document:
    """The text of a file's bytes; ``suffix`` is one of :data:`DOCUMENT_SUFFIXES`.

    Raises:
        ValueError: the file is broken, encrypted, or holds no text.
    """
    document = _READERS[suffix](content)
    if whole_characters(document.text) != document.text:  # offsets would no longer hold
        document = Document(whole_characters(document.text), licence=document.licence)
    if not document.text.strip():
        remedy = "; run text recognition on scanned pages first" if suffix == ".pdf" else ""
        raise ValueError(f"the file holds no text{remedy}")
    return document


def plain_text(content: bytes) -> tuple[str, tuple[MissingPart, ...]]:
    """The text of bytes without the sentences in which bytes are no text, and what says so."""
    decoded = decode(content)
    if not decoded.damaged:
        return decoded.text, ()
    lines = ", ".join(map(str, decoded.damaged[:NAMED])) + ("…" if len(decoded.damaged) > NAMED else "")
    why = f"{len(decoded.damaged)} line(s) hold bytes that are no text ({lines}); their sentence is left out"
    shown = "\n".join(decoded.text.split("\n")[number - 1] for number in decoded.damaged[:NAMED])
    return without_lost(decoded.text), (MissingPart(1, why, shown),)


def _plain(content: bytes) -> Document:
    text, missing = plain_text(content)
    return Document(text, headings_of_plain_text(text), missing=missing)


def _markdown(content: bytes) -> Document:
    text, missing = plain_text(content)
    return Document(text, markdown_headings(text), missing=missing)


_READERS: dict[str, Callable[[bytes], Document]] = {
    ".txt": _plain,
    ".md": _markdown,
    ".markdown": _markdown,
    ".html": html_document,
    ".htm": html_document,
    ".xhtml": html_document,
    ".epub": epub_document,
    ".pdf": pdf_document,
    ".docx": docx_document,
}
DOCUMENT_SUFFIXES = tuple(_READERS)
