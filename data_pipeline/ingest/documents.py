"""Whole texts from files, by the kind of file.

Role: one reader per kind of file (``markdown``, ``html``, ``epub``, ``pdf`` in modules of their own).
Invariants:
- Reading the same bytes gives the same text, so that a record's offset can be looked up again with
  :func:`read_document`.
- Nothing is executed, fetched or written.
"""

from __future__ import annotations

from collections.abc import Callable

from data_pipeline.ingest.document import Document, headings_of_plain_text
from data_pipeline.ingest.epub import epub_document
from data_pipeline.ingest.html import html_document
from data_pipeline.ingest.markdown import markdown_headings
from data_pipeline.ingest.pdf import pdf_document


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


def _plain(content: bytes) -> Document:
    text = decode(content)
    return Document(text, headings_of_plain_text(text))


def _markdown(content: bytes) -> Document:
    text = decode(content)
    return Document(text, markdown_headings(text))


_READERS: dict[str, Callable[[bytes], Document]] = {
    ".txt": _plain,
    ".md": _markdown,
    ".markdown": _markdown,
    ".html": html_document,
    ".htm": html_document,
    ".xhtml": html_document,
    ".epub": epub_document,
    ".pdf": pdf_document,
}
DOCUMENT_SUFFIXES = tuple(_READERS)
