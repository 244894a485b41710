"""The lines of a file as bytes and as text: one splitter for whoever reads rows and whoever writes them back.

Invariants:
- Lines end at a line feed and nowhere else; what ends a line belongs to it, so that the header and all lines
  together are the file, byte for byte. Carriage returns are the affair of the rows in the lines.
- Each line is decoded by itself: a file may hold several encodings. Files of UTF-16 and UTF-32 are of one.
- One chunk and one line are in memory.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Protocol, TypeVar

from data_pipeline.text.decoding import LOST, SAMPLE, LineDecoder, wide_encoding

T = TypeVar("T", str, bytes)
_ENDIAN = {
    codecs.BOM_UTF32_LE: "utf-32-le",  # before UTF-16, whose mark begins in the same way
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes; none at the end."""
        ...


class LineFile:
    """Lines of an open file; ``header`` is its byte order mark, if it has one."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._head = file.read(SAMPLE)
        mark = next((mark for mark in (codecs.BOM_UTF8, *_ENDIAN) if self._head.startswith(mark)), b"")
        self.header = mark
        self._wide = _ENDIAN.get(mark) or wide_encoding(self._head)
        self._head = self._head[len(mark) :]
        self._decoder = LineDecoder(self._head)
        if self._wide is None and self._decoder.hint in ("utf-16-le", "utf-16-be"):
            self._wide = self._decoder.hint

    def __iter__(self) -> Iterator[bytes]:
        """The lines; once."""
        if self._wide is None:
            yield from _cut(self._chunks(), b"\n")
            return
        decoder = codecs.getincrementaldecoder(self._wide)("replace")
        texts: Iterator[str] = (decoder.decode(chunk) for chunk in self._chunks())
        for line in _cut(texts, "\n"):
            yield self.encoded(line)

    def text(self, line: bytes) -> tuple[str, bool]:
        """A line's text, and whether all of its bytes are text."""
        if self._wide is None:
            return self._decoder.line(line)
        text = line.decode(self._wide, "replace")
        return text, LOST not in text

    def encoded(self, text: str, like: bytes = b"") -> bytes:
        """A text as a line of this file; of several encodings, in that of the line ``like``."""
        if self._wide is not None:
            return text.encode(self._wide)
        for encoding in ("utf-8", self._decoder.hint or "utf-8"):
            try:
                like.decode(encoding)
                return text.encode(encoding)
            except UnicodeError:
                continue
        return text.encode()

    def pieces(self, line: bytes) -> list[bytes]:
        """A line cut after its carriage returns; together they are the line."""
        if self._wide is not None:
            found = self.text(line)[0].split("\r")
            return [self.encoded(piece + "\r") for piece in found[:-1]] + [self.encoded(found[-1])]
        cut = line.split(b"\r")
        return [piece + b"\r" for piece in cut[:-1]] + cut[-1:]

    def _chunks(self) -> Iterator[bytes]:
        head, self._head = self._head, b""
        yield head
        while chunk := self._file.read(SAMPLE):
            yield chunk


def _cut(chunks: Iterator[T], end: T) -> Iterator[T]:
    """Lines with their ends, of texts or bytes in chunks."""
    rest: T = end[:0]
    for chunk in chunks:
        parts = (rest + chunk).split(end)
        rest = parts.pop()
        for line in parts:
            yield line + end
    if rest:
        yield rest
