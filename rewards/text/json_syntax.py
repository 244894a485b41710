"""One JSON value at a place in a text, with the slips that models make: a comma too many, a raw line break.

Invariants:
- Strings are kept as they are, but for halves of characters (``unicode``).
- A value is read whole or not at all.
- Time is linear in what is read.

    >>> read_value('见：{"a": ["1,]", 2,],} 等', 2)
    ({'a': ['1,]', 2]}, 21)
"""

from __future__ import annotations

import json
import re
from typing import Any

from rewards.text.unicode import whole_characters

DEEPEST = 100
"""Levels of nesting; nobody asks for more, and what prints or writes a value recurses."""
LONGEST_PROSE = 500
"""Characters within which a bracket that does not look like JSON has to be closed."""
_DECODER = json.JSONDecoder(strict=False)
_STRING = r'"(?:[^"\\]|\\.)*+"'
_SURPLUS_COMMA = re.compile(rf"({_STRING})|,(?=\s*[\]}}])", re.DOTALL)
_STRING_OR_BRACKET = re.compile(rf"{_STRING}|[\[\]{{}}]", re.DOTALL)
_JSON_LIKE = re.compile(r'(?:\[\s*)*+\{\s*(?:"(?:[^"\\]|\\.){0,200}"\s*:|\})', re.DOTALL)
_BEGINS = re.compile(r'\{\s*["}]|\[\s*(?:["\[{\d\-\]]|,\s*\]|true|false|null)')
_HALF = re.compile("\\\\u[dD][89a-fA-F]|[\ud800-\udfff]")


class BrokenJsonError(ValueError):
    """Why a text is not the JSON it should be, on one line; ``end`` is where it ends, None if cut off."""

    def __init__(self, message: str, end: int | None = None) -> None:
        super().__init__(message)
        self.end = end


def looks_like_json(text: str, at: int) -> bool:
    """Whether an object, or a list of objects, seems to begin there, rather than a bracket of prose."""
    return _JSON_LIKE.match(text, at) is not None


def read_value(text: str, at: int) -> tuple[Any, int]:
    """The object or list that begins at ``at``, and where it ends.

    Raises:
        BrokenJsonError: it is broken, cut off, or nested too deep.
    """
    try:
        value, end = _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        value, end = _repaired(text, at)
    if _depth(text, at, end) > DEEPEST:
        raise BrokenJsonError(f"broken JSON: more than {DEEPEST} levels deep", end)
    return (_whole(value) if _HALF.search(text, at, end) else value), end


def _repaired(text: str, at: int) -> tuple[Any, int]:
    if not _BEGINS.match(text, at):
        raise BrokenJsonError("no JSON in the reply: its brackets are words", at + 1)
    limit = len(text) if looks_like_json(text, at) else at + LONGEST_PROSE
    end = _closing(text, at, limit)
    repaired = _SURPLUS_COMMA.sub(lambda found: found[1] or "", text[at : end or limit].rstrip())
    try:
        value, read = _DECODER.raw_decode(repaired)
    except json.JSONDecodeError as error:
        raise BrokenJsonError(f"broken JSON: {error.msg} at character {error.pos}", end) from None
    except ValueError as error:  # a number of too many digits
        raise BrokenJsonError(f"broken JSON: {error}", end) from None
    except RecursionError:
        raise BrokenJsonError(f"broken JSON: more than {DEEPEST} levels deep", end) from None
    return value, end if end is not None else at + read


def _closing(text: str, at: int, limit: int) -> int | None:
    """Where the bracket at ``at`` is closed; None where it is not."""
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(text, at, limit):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if not depth:
            return found.end()
    return None


def _depth(text: str, at: int, end: int) -> int:
    depth = deepest = 0
    for found in _STRING_OR_BRACKET.finditer(text, at, end):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        deepest = max(deepest, depth)
    return deepest


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return whole_characters(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {whole_characters(name): _whole(item) for name, item in value.items()}
    return value
