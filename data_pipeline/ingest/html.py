"""The running text of an HTML page: blocks as paragraphs, h1 to h6 as headings, no scripts or navigation.

Invariant: text in forms, in noscript blocks and after a head that is never closed is text of the page.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from data_pipeline.ingest.chunks import Heading
from data_pipeline.ingest.document import Document, MissingPart
from data_pipeline.text.decoding import decode, wide_encoding, without_lost

if TYPE_CHECKING:
    from bs4 import BeautifulSoup

_LEFT_OUT = ("script", "style", "template", "iframe", "svg", "rt", "title", "select", "button", "textarea")
# Left out too, unless most of the page's text is in it: then it was never closed, or is no navigation.
_NAVIGATION = ("nav", "footer", "aside")
_MOST = 0.5
_WITHOUT_SCRIPT = re.compile(r"javascript|脚本|启用|浏览器", re.IGNORECASE)
_SHORT = 100  # characters of a noscript block that may be a notice to browsers
_BLOCK_NAMES = (
    "address article blockquote body center dd details div dl dt figcaption figure h1 h2 h3 h4 h5 h6 header"
    " html hr li main ol p pre section summary table td th tr ul [document]"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""")
_WIDER = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "big5": "big5hkscs",
    "x-x-big5": "big5hkscs",
}
_HEAD = 4096  # bytes in which a page says what its encoding is
_BLANKS = re.compile(r"[^\S\xa0]+|\xa0+")


def html_document(content: bytes) -> Document:
    """The page as a document (the encoding is found by its mark, its meta tag, or the bytes)."""
    from bs4 import BeautifulSoup
    from bs4.element import NavigableString, Tag

    markup, missing = _decoded(content)
    soup = BeautifulSoup(markup, "html.parser")
    _leave_out(soup)
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
    return Document(text, tuple(Heading(h.start, h.end, h.title.strip()) for h in headings), missing=missing)


def _decoded(content: bytes) -> tuple[str, tuple[MissingPart, ...]]:
    """The markup as text. What the page says of its encoding holds where all bytes agree with it."""
    declared = _DECLARED.search(content[:_HEAD])
    if declared is not None and wide_encoding(content[:_HEAD]) is None:
        name = declared[1].decode("ascii").lower()
        try:
            return content.decode(_WIDER.get(name, name)).lstrip("\ufeff"), ()
        except (UnicodeError, LookupError):
            pass
    decoded = decode(content)
    if not decoded.damaged:
        return decoded.text, ()
    why = f"{len(decoded.damaged)} line(s) hold bytes that are no text; their sentence is left out"
    return without_lost(decoded.text), (MissingPart(1, why),)


def _leave_out(soup: BeautifulSoup) -> None:
    for tag in soup.find_all("noscript"):
        words = tag.get_text()
        if len(words) < _SHORT and _WITHOUT_SCRIPT.search(words):
            tag.decompose()
    for tag in soup.find_all(_LEFT_OUT):
        if not tag.decomposed and not (tag.name == "title" and tag.find()):  # a title that is never closed
            tag.decompose()
    everything = len(soup.get_text().strip())
    for tag in soup.find_all(_NAVIGATION):
        if not tag.decomposed and len(tag.get_text().strip()) <= _MOST * everything:
            tag.decompose()


def _title(pieces: list[str], length: int, begin: int) -> str:
    """What of a heading stands already, where it has several parts (a link, a number)."""
    return "".join(pieces)[begin:length] if begin < length else ""
