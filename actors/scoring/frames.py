"""Messages on a stream: a number, a length, and bytes.

Used between a process pool and its scoring processes. A stream that ends within a frame says that the other
side was killed while it wrote; what it wrote in part is dropped.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

HEAD = struct.Struct("<II")


def frame(number: int, body: bytes) -> bytes:
    """One message."""
    return HEAD.pack(number, len(body)) + body


def read_frames(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Messages up to the end of a blocking stream."""
    while len(head := stream.read(HEAD.size)) == HEAD.size:
        number, length = HEAD.unpack(head)
        body = stream.read(length)
        if len(body) < length:
            return
        yield number, body


class FrameBuffer:
    """Messages out of the pieces in which a non-blocking stream arrives."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, piece: bytes) -> Iterator[tuple[int, bytes]]:
        """The messages that ``piece`` completes."""
        self._data += piece
        at = 0
        while len(self._data) - at >= HEAD.size:
            number, length = HEAD.unpack_from(self._data, at)
            end = at + HEAD.size + length
            if len(self._data) < end:
                break
            yield number, bytes(self._data[at + HEAD.size : end])
            at = end
        del self._data[:at]
