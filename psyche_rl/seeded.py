"""Draws that belong to a seed and to what they are for: a generator, a number or a rank from named parts.

One definition, so that no two purposes share a stream by chance: each names its own salt among the parts.
Invariants:
- The same parts give the same draw on every machine and in every process.
- Parts are told apart by their text, joined with ``between``.

    >>> [generator("order", 0, epoch).randrange(100) for epoch in (1, 1, 2)]
    [83, 83, 23]
    >>> whole_number(7, "select", "q1") == whole_number(7, "select", "q1"), 0 <= share(7, "split", "q1") < 1
    (True, True)
"""

from __future__ import annotations

import hashlib
import random

SLASH = "/"


def generator(*parts: object, between: str = SLASH) -> random.Random:
    """A generator of its own for these parts."""
    return random.Random(between.join(map(str, parts)))


def rank(*parts: object, between: str = SLASH) -> bytes:
    """32 bytes that sort at random."""
    return hashlib.sha256(between.join(map(str, parts)).encode()).digest()


def whole_number(*parts: object) -> int:
    """A number of 32 bits, for the seed of an engine or a server."""
    return int.from_bytes(rank(*parts)[:4], "big")


def share(*parts: object, between: str = SLASH) -> float:
    """A number in [0, 1)."""
    return int.from_bytes(rank(*parts, between=between)[:8], "big") / 2**64
