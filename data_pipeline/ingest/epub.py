"""The text of an EPUB: its chapters in reading order (ebooklib), each read as HTML."""

from __future__ import annotations

import io
import warnings

from data_pipeline.ingest.chunks import Heading
from data_pipeline.ingest.document import Document
from data_pipeline.ingest.html import html_document

_BETWEEN = "\n\n"


def epub_document(content: bytes) -> Document:
    """The book as a document; parts are chapters, the licence is its ``dc:rights``.

    Raises:
        ValueError: it is not an EPUB.
    """
    from ebooklib import ITEM_DOCUMENT, epub

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library speaks of its own coming versions
        try:
            book = epub.read_epub(io.BytesIO(content), {"ignore_ncx": True})
        except Exception as error:  # a broken archive or index fails in many ways
            raise ValueError(f"not a readable EPUB: {error}") from error
    text, headings, parts = "", list[Heading](), list[int]()
    for name, _ in book.spine:
        item = book.get_item_with_id(name)
        if item is None or item.get_type() != ITEM_DOCUMENT or isinstance(item, epub.EpubNav):
            continue
        chapter = html_document(item.get_content())
        text += _BETWEEN if text else ""
        parts.append(len(text))
        at = len(text)
        headings += [Heading(h.start + at, h.end + at, h.title) for h in chapter.headings]
        text += chapter.text
    rights = book.get_metadata("DC", "rights")
    return Document(text, tuple(headings), tuple(parts) or (0,), rights[0][0] if rights else None)
