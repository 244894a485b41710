"""How large a file may become when it is read: what is a few hundred kilobytes must not fill the memory.

Role: the bounds of packed files and of files that are held whole; ``archive`` has those of zipped documents.
Invariants:
- A stream that is unpacked is refused while it grows, not after.
- Whatever is refused is a ``ValueError`` that says which bound it passed.
"""

from __future__ import annotations

import io
from typing import IO, Any

MOST_BYTES = 1 << 30
"""Of a file that is held whole: a document, a workbook, one JSON or YAML value."""
FREE_BYTES = 64 << 20
"""Unpacked bytes that no file is refused for."""
RATIO = 200
"""Unpacked bytes for a packed one, beyond those: text packs to a third, a table of repeats to a hundredth."""


def refuse_growth(unpacked: int, packed: int) -> None:
    """Raises:
    ValueError: so many bytes are too many for so small a file.
    """
    if unpacked > max(FREE_BYTES, RATIO * packed):
        raise ValueError(
            f"{packed:,} packed bytes become more than {unpacked:,}, over {RATIO} times as many; unpack it "
            "yourself if it is meant to"
        )


class BoundedStream(io.BufferedIOBase):
    """What a packed file holds; refused where it grows beyond :data:`RATIO`.

    Args:
        packed: the file that ``stream`` unpacks, whose position tells how much of it was needed.
    """

    def __init__(self, stream: IO[bytes], packed: IO[bytes]) -> None:
        self._stream, self._packed, self._given = stream, packed, 0

    def readable(self) -> bool:
        """Always."""
        return True

    def read(self, size: int | None = -1) -> bytes:
        """Up to ``size`` bytes; none at the end.

        Raises:
            ValueError: it grows beyond the bound.
        """
        if size is None or size < 0:
            return whole(self)
        data = self._stream.read(size)
        self._given += len(data)
        refuse_growth(self._given, self._packed.tell())
        return data


def whole(file: IO[bytes] | Any) -> bytes:
    """The rest of a file.

    Raises:
        ValueError: it is larger than :data:`MOST_BYTES`.
    """
    pieces, size = list[bytes](), 0
    while piece := file.read(1 << 20):
        pieces.append(piece)
        size += len(piece)
        if size > MOST_BYTES:
            raise ValueError(
                f"it is larger than {MOST_BYTES >> 20:,} MiB, and such a file is held in memory whole; "
                "cut it into several, or give JSON Lines"
            )
    return b"".join(pieces)
