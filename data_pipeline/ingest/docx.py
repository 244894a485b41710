"""The text of a Word document (Office Open XML): paragraphs in order, those of tables and text boxes among
them, headings by their style.

Source: ECMA-376, part 1, 17.3. Deleted text of tracked changes is left out, inserted text is in.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree

from data_pipeline.ingest.archive import open_archive, xml_of
from data_pipeline.ingest.chunks import Heading
from data_pipeline.ingest.document import Document

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_HEADING = re.compile(r"(?:heading|标题)\s*\d|title|标题", re.IGNORECASE)
_DOCUMENT = "word/document.xml"


def docx_document(content: bytes) -> Document:
    """The document; it has one part.

    Raises:
        ValueError: it is no Word document, or larger than it may be.
    """
    try:
        with open_archive(content) as archive:
            body = xml_of(archive.read(_DOCUMENT))
            names = _style_names(archive)
    except (zipfile.BadZipFile, ElementTree.ParseError, KeyError) as error:
        raise ValueError(f"not a readable Word document: {error}") from error
    text, headings = "", list[Heading]()
    for paragraph in _paragraphs(body):
        words = "".join(_words(paragraph)).strip()
        if not words:
            continue
        text += "\n\n" if text else ""
        style = paragraph.find(f"{_W}pPr/{_W}pStyle")
        id_ = style.get(f"{_W}val", "") if style is not None else ""
        named = names.get(id_, id_)
        if _HEADING.fullmatch(named):
            headings.append(Heading(len(text), len(text) + len(words), words))
        text += words
    return Document(text, tuple(headings))


def _style_names(archive: zipfile.ZipFile) -> dict[str, str]:
    """Id of a style -> its name."""
    if "word/styles.xml" not in archive.namelist():
        return {}
    found = {}
    for style in xml_of(archive.read("word/styles.xml")).iter(f"{_W}style"):
        name = style.find(f"{_W}name")
        if name is not None:
            found[style.get(f"{_W}styleId", "")] = name.get(f"{_W}val", "")
    return found


def _paragraphs(node: ElementTree.Element) -> Iterator[ElementTree.Element]:
    """Paragraphs in order; a second rendering of the same text box is passed over."""
    for child in node:
        if child.tag == _FALLBACK:
            continue
        if child.tag == f"{_W}p":
            yield child
        yield from _paragraphs(child)


def _words(paragraph: ElementTree.Element) -> Iterator[str]:
    for child in paragraph:
        if child.tag == f"{_W}t":
            yield child.text or ""
        elif child.tag == f"{_W}tab":
            yield "\t"
        elif child.tag in (f"{_W}br", f"{_W}cr"):
            yield "\n"
        elif child.tag not in (f"{_W}p", f"{_W}pPr", _FALLBACK):
            yield from _words(child)
