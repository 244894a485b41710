"""The text of an EPUB: its chapters in reading order (ebooklib), each read as HTML.

Invariant: a chapter that the book names and does not hold, or that is of a kind that is not read, costs
itself and is named.
"""

from __future__ import annotations

import io
import warnings
from typing import Any

from data_pipeline.ingest.archive import open_archive
from data_pipeline.ingest.chunks import Heading
from data_pipeline.ingest.document import Document, MissingPart
from data_pipeline.ingest.html import html_document

_BETWEEN = "\n\n"
_PAGES = ("application/xhtml+xml", "text/html", "application/html", "text/x-oeb1-document", "application/xml")
_SUFFIXES = (".html", ".htm", ".xhtml", ".xml")


def epub_document(content: bytes) -> Document:
    """The book as a document; parts are chapters, the licence is its ``dc:rights``.

    Raises:
        ValueError: it is not an EPUB.
    """
    from ebooklib import epub

    book, absent = _book(content)
    text, headings, parts, missing = "", list[Heading](), list[int](), list[MissingPart]()
    for number, (name, _) in enumerate(book.spine, 1):
        item = book.get_item_with_id(name)
        if isinstance(item, epub.EpubNav):
            continue
        if item is None or item.file_name in absent:
            named = name if item is None else item.file_name
            missing.append(MissingPart(number, f"chapter {number} ({named}) is not in the book"))
            continue
        if item.media_type not in _PAGES and not item.file_name.lower().endswith(_SUFFIXES):
            why = f"chapter {number} ({item.file_name}) is {item.media_type}, which is not read"
            missing.append(MissingPart(number, why))
            continue
        chapter = html_document(item.content)
        text += _BETWEEN if text else ""
        parts.append(len(text))
        at = len(text)
        headings += [Heading(h.start + at, h.end + at, h.title) for h in chapter.headings]
        missing += [MissingPart(number, lost.reason, lost.text) for lost in chapter.missing]
        text += chapter.text
    rights = book.get_metadata("DC", "rights")
    licence = rights[0][0] if rights else None
    return Document(text, tuple(headings), tuple(parts) or (0,), licence, tuple(missing))


def _book(content: bytes) -> tuple[Any, set[str]]:
    """(the book, files that its manifest names and that are not there)"""
    from ebooklib import epub

    absent: set[str] = set()

    class Reader(epub.EpubReader):  # type: ignore[misc]
        """Reads on where a file is missing."""

        def read_file(self, name: str) -> bytes:
            try:
                return bytes(super().read_file(name))
            except KeyError:
                if name.lower().endswith((".opf", "container.xml")):
                    raise
                absent.add(name.removeprefix(f"{self.opf_dir}/"))
                return b"<html><body></body></html>"

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library speaks of its own coming versions
        try:
            open_archive(content).close()
            reader = Reader(io.BytesIO(content), {"ignore_ncx": True})
            book = reader.load()
            reader.process()
        except Exception as error:  # a broken archive or index fails in many ways
            raise ValueError(f"not a readable EPUB: {error}") from error
    return book, absent
