"""Texts by digests of 64 bits: what is there, and what belongs to it, at eight bytes a text.

Invariant: a digest takes two of a million different texts for one with a probability below 3e-8.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping

import numpy as np


def digest64(text: str) -> int:
    """The digest of one text."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def digests64(texts: Iterable[str]) -> np.ndarray:
    """The digests of texts, in their order (uint64)."""
    return np.fromiter(map(digest64, texts), np.uint64)


class DigestSet:
    """Which texts are in; for ``in`` only.

    >>> known = DigestSet(["a", "b"])
    >>> ["a" in known, "c" in known, len(known)]
    [True, False, 2]
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._digests = np.unique(digests64(texts))

    def __len__(self) -> int:
        return len(self._digests)

    def __contains__(self, text: object) -> bool:
        if not isinstance(text, str):
            return False
        digest = np.uint64(digest64(text))
        at = int(np.searchsorted(self._digests, digest))
        return at < len(self._digests) and bool(self._digests[at] == digest)


class NumberOf(Mapping[str, int]):
    """A whole number for each text; the last one counts where a text is given twice."""

    def __init__(self, given: Iterable[tuple[str, int]]) -> None:
        pairs = np.fromiter(
            ((digest64(text), number) for text, number in given), np.dtype([("digest", "u8"), ("n", "i8")])
        )
        order = np.argsort(pairs["digest"], kind="stable")
        self._digests, self._numbers = pairs["digest"][order], pairs["n"][order]

    def __len__(self) -> int:
        return len(self._digests)

    def __iter__(self) -> Iterator[str]:
        raise TypeError("the texts themselves are not kept")

    def __getitem__(self, text: str) -> int:
        digest = np.uint64(digest64(text))
        at = int(np.searchsorted(self._digests, digest, side="right")) - 1
        if at < 0 or self._digests[at] != digest:
            raise KeyError(text)
        return int(self._numbers[at])
