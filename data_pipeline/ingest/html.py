"""The running text of an HTML page: blocks as paragraphs, h1 to h6 as headings, no scripts or navigation."""

from __future__ import annotations

import re
from typing import Any

from data_pipeline.ingest.chunks import Heading
from data_pipeline.ingest.document import Document

_LEFT_OUT_NAMES = "script style noscript template nav footer aside form iframe svg head rt"
_LEFT_OUT = _LEFT_OUT_NAMES.split()
_BLOCK_NAMES = (
    "address article blockquote body center dd details div dl dt figcaption figure h1 h2 h3 h4 h5 h6 header"
    " html hr li main ol p pre section summary table td th tr ul [document]"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_BLANKS = re.compile(r"[^\S\xa0]+|\xa0+")


def html_document(content: bytes) -> Document:
    """The page as a document (the encoding is found by its mark, its meta tag, or the bytes)."""
    from bs4 import BeautifulSoup
    from bs4.element import NavigableString, Tag

    soup = BeautifulSoup(content, "html.parser")
    for tag in soup.find_all(_LEFT_OUT):
        if not tag.decomposed:
            tag.decompose()
    headings = list[Heading]()
    pieces: list[str] = []
    length = 0
    last: Any = None
    for node in soup.descendants:
        if isinstance(node, Tag):
            if node.name == "br" and pieces and not pieces[-1].endswith("\n"):
                pieces.append("\n")
                length += 1
            continue
        if type(node) is not NavigableString:
            continue  # comments, doctypes
        words = _BLANKS.sub(" ", str(node))
        block = next(parent for parent in node.parents if parent.name in _BLOCKS)
        if block is not last:
            words = words.lstrip()
        if not words.strip() and (block is not last or not words):
            continue
        if block is not last and pieces:
            pieces.append("\n\n")
            length += 2
        if block.name in _HEADINGS:
            begin = headings.pop().start if headings and block is last else length
            title = f"{_title(pieces, length, begin)}{words}"
            headings.append(Heading(begin, length + len(words), title))
        pieces.append(words)
        length += len(words)
        last = block
    text = "".join(pieces)
    return Document(text, tuple(Heading(h.start, h.end, h.title.strip()) for h in headings))


def _title(pieces: list[str], length: int, begin: int) -> str:
    """What of a heading stands already, where it has several parts (a link, a number)."""
    return "".join(pieces)[begin:length] if begin < length else ""
