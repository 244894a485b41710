"""How many values a JSON text holds and how deeply they lie, told before it is parsed. Pure.

A megabyte of ``[1,1,…]`` becomes a hundred of objects, and a hundred thousand brackets end the parser.
Collaborators: ``serving`` and ``llm`` look at what others sent. Invariant: time and memory are linear in the
text, and no value is made of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NO_BRACKET = bytes(byte for byte in range(256) if byte not in b"[]{}")


class TooManyValuesError(ValueError):
    """The text would become more values than are taken."""


@dataclass(frozen=True)
class JsonShape:
    """The most that is taken: values of all kinds, names of fields not counted, and brackets in brackets."""

    most_values: int = 200_000
    most_depth: int = 64

    def check(self, text: bytes) -> None:
        """Refuse a text that should not be parsed; any other may still be no JSON.

        Raises:
            TooManyValuesError: it holds too many values.
            ValueError: it is nested too deeply, or its brackets do not match.
        """
        outside = text
        if self._values(outside) > self.most_values or _opened(outside) > self.most_depth:
            outside = _STRING.sub(b'"', text)  # most texts are small enough without
        if self._values(outside) > self.most_values:
            raise TooManyValuesError(f"more than {self.most_values:,} values")
        if _opened(outside) > self.most_depth and self._is_deep(outside):
            raise ValueError(f"nested more than {self.most_depth} deep, or brackets that do not match")

    def _values(self, outside: bytes) -> int:
        return outside.count(b",") + _opened(outside) + 1

    def _is_deep(self, outside: bytes) -> bool:
        brackets = outside.translate(_ONE_KIND, _NO_BRACKET)
        if brackets.count(b"[") * 2 != len(brackets):
            return True
        for _ in range(self.most_depth):
            brackets = brackets.replace(b"[]", b"")
        return bool(brackets)


def _opened(outside: bytes) -> int:
    return outside.count(b"[") + outside.count(b"{")
