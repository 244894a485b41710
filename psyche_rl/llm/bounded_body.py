"""The body of a server's reply, unpacked here and never larger than we take.

Role: between aiohttp, which would unpack a gzip bomb whole, and ``http_reply``. Invariant: never more than
the limit and one chunk is held, whatever the packed body would become.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Callable

MOST_BYTES = 8 << 20
"""Of a reply, unpacked. A whole context of text is a tenth of it."""
MOST_ERROR_BYTES = 1 << 16
"""Of an error, of which a line is told; the rest is not read."""
ACCEPTED = "gzip"
_GZIP_OR_ZLIB = 47  # zlib.decompressobj finds out which


class BodyError(ValueError):
    """The body cannot be read, or is larger than any reply."""


async def bounded_body(chunks: AsyncIterator[bytes], encoding: str, most: int, cut: bool = False) -> bytes:
    """The unpacked body.

    Args:
        encoding: what the header Content-Encoding says; empty for none.
        most: of unpacked bytes.
        cut: end there in silence.

    Raises:
        BodyError: it is larger, is packed in a way that was not asked for, or is not what its encoding says.
    """
    unpack, body = _unpacker(encoding.strip().lower()), bytearray()
    async for chunk in chunks:
        body += unpack(chunk, most + 1 - len(body))
        if len(body) > most:
            if cut:
                return bytes(body[:most])
            raise BodyError(f"the reply is larger than {most:,} bytes")
    return bytes(body)


def _unpacker(encoding: str) -> Callable[[bytes, int], bytes]:
    """What unpacks the next chunk, up to so many bytes (at least 1)."""
    if encoding in ("", "identity"):
        return lambda chunk, most: chunk[:most]
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise BodyError("the reply is packed in a way that was not asked for (Content-Encoding)")
    stream = zlib.decompressobj(_GZIP_OR_ZLIB)

    def unpacked(chunk: bytes, most: int) -> bytes:
        try:
            return stream.decompress(chunk, most)
        except zlib.error:
            raise BodyError("the reply is not packed as its Content-Encoding says") from None

    return unpacked
