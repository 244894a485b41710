"""Documents that are archives (EPUB, Word, Excel): opened and parsed within bounds.

Source: APPNOTE.TXT of the zip format, 4.4.9 (sizes); ECMA-376, part 2 (a document has no DTD).
"""

from __future__ import annotations

import io
import zipfile
from xml.etree import ElementTree

from data_pipeline.ingest.bounds import MOST_BYTES, refuse_growth

MOST_PARTS = 100_000


def open_archive(content: bytes) -> zipfile.ZipFile:
    """An archive whose parts together are no larger than the file bears out.

    Raises:
        zipfile.BadZipFile: it is none.
        ValueError: it holds too many parts, or they are too large.
    """
    archive = zipfile.ZipFile(io.BytesIO(content))
    parts = archive.infolist()
    if len(parts) > MOST_PARTS:
        raise ValueError(f"it holds {len(parts):,} parts, over {MOST_PARTS:,}")
    unpacked = sum(part.file_size for part in parts)  # no part can be read beyond the size that it states
    if unpacked > MOST_BYTES:
        raise ValueError(f"its parts are {unpacked >> 20:,} MiB, over {MOST_BYTES >> 20:,}")
    refuse_growth(unpacked, len(content))
    return archive


def xml_of(content: bytes) -> ElementTree.Element:
    """The root of an XML part.

    Raises:
        ElementTree.ParseError: it is none.
        ValueError: it declares a document type, whose entities may grow without bound.
    """
    return ElementTree.fromstring(content, ElementTree.XMLParser(target=_Plain()))


class _Plain(ElementTree.TreeBuilder):
    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        """Called where one begins, before its entities."""
        raise ValueError("its XML declares a document type, which no such document does")
