"""JSON Lines: which rows the lines of a file hold.

Role: the one splitter; ``raw_rows`` reads through it, ``decontamination`` reads and writes through it.
Invariants:
- The lines of all rows together are the lines of the file that are not blank.
- A line with several values that carriage returns part is several rows; a carriage return or another
  control character within a value is part of it.
- A line that cannot be read costs itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from data_pipeline.ingest.line_file import LineFile
from data_pipeline.text.storable import storable
from rewards.bounded_yaml import DEEPEST


@dataclass(frozen=True)
class JsonLine:
    """A row: its number from 1 (blank lines count), its bytes with the line's end, and its value, or why it
    has none. ``text`` is the line as text, for a person."""

    number: int
    raw: bytes
    text: str
    value: Any = None
    fault: str | None = None


def json_lines(lines: LineFile) -> Iterator[JsonLine]:
    """The rows of a file, in order."""
    number = 0
    for line in lines:
        whole = _read(line, lines, number + 1)
        cut = [piece for piece in lines.pieces(line) if lines.text(piece)[0].strip()]
        if whole.fault is not None and len(cut) > 1:
            parts = [_read(piece, lines, number + at) for at, piece in enumerate(cut, 1)]
            if any(part.fault is None for part in parts):
                number += len(parts)
                yield from parts
                continue
        number += 1
        if whole.text.strip():
            yield whole


def loads(text: str) -> Any:
    """The value of a JSON text with whole characters only.

    Raises:
        ValueError: it is none.
    """
    try:
        value = json.loads(text, strict=False)
    except RecursionError:
        raise ValueError(f"nested more than {DEEPEST} levels deep") from None
    if text.count("[") + text.count("{") > DEEPEST:
        _refuse_depth(value)
    return storable(value) if "\\u" in text else value


def _refuse_depth(value: Any) -> None:
    """Whoever walks a tree must not run out of stack."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(DEEPEST):
        held = [each.values() if isinstance(each, dict) else each for each in level]
        level = [each for inner in held for each in inner if isinstance(each, dict | list)]
        if not level:
            return
    raise ValueError(f"nested more than {DEEPEST} levels deep")


def _read(raw: bytes, lines: LineFile, number: int) -> JsonLine:
    text, is_whole = lines.text(raw)
    if not is_whole:
        return JsonLine(number, raw, text, fault="bytes that are no text in any encoding that is read")
    if not text.strip():
        return JsonLine(number, raw, text)
    try:
        value = loads(text.strip("\ufeff \t\r\n\x00\x1a"))
    except ValueError as error:
        return JsonLine(number, raw, text, fault=f"not valid JSON: {error}")
    return JsonLine(number, raw, text, value)
