"""Columns of a page, read one after the other.

Role: pure functions over a page as a picture of characters (pypdf's layout mode: blanks stand for distance).
A gutter is a stretch of blanks that most lines leave free at the same place, with long lines on both sides;
what is set in cells (tables, options side by side) is no column.
Invariant: every word of the page is in the result once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

FEWEST_LINES = 3  # with text on both sides of a gutter
LONGEST_CELL = 8  # characters (two of Latin text count as one); shorter lines are cells of a table
_GAP = re.compile(r"(?<=\S)\s{2,}(?=\S)")
_CELL = re.compile(r"\s*(?:[A-Ha-h][.、．)）]|[(（]?\d+[.、)）])")
_BLANKS = re.compile(r"\s{2,}")


def in_reading_order(picture: str) -> str | None:
    """The lines of a page in reading order, or None where it has no columns."""
    lines = [line.rstrip() for line in picture.split("\n") if line.strip()]
    gutter = _gutter(lines)
    return None if gutter is None else "\n".join(_BLANKS.sub(" ", line) for line in _ordered(lines, gutter))


def _ordered(lines: Sequence[str], gutter: int) -> list[str]:
    """Lines across the page part it into bands; in each the left column comes first."""
    ordered: list[str] = []
    left: list[str] = []
    right: list[str] = []

    def close() -> None:
        for column in (left, right):
            bare = [line for line in column if line.strip()]
            inner = _gutter(bare)
            ordered.extend(line.strip() for line in (_ordered(bare, inner) if inner is not None else bare))
            column.clear()

    for line in lines:
        if _crosses(line, gutter):
            close()
            ordered.append(line.strip())
        else:
            left.append(line[:gutter])
            right.append(line[gutter:])
    close()
    return ordered


def _gutter(lines: Sequence[str]) -> int | None:
    """Where the right column begins, in characters."""
    free: dict[int, int] = {}
    for line in lines:
        for gap in _GAP.finditer(line):
            for at in range(gap.start() + 1, gap.end() + 1):
                free[at] = free.get(at, 0) + 1
    best = max(free, key=lambda at: (free[at] - sum(_crosses(line, at) for line in lines), at), default=None)
    if best is None or free[best] < FEWEST_LINES:
        return None
    both = [
        line for line in lines if line[:best].strip() and line[best:].strip() and not _crosses(line, best)
    ]
    across = sum(_crosses(line, best) for line in lines)
    if len(both) < FEWEST_LINES or len(both) < 2 * across or 2 * len(both) < len(lines) - across:
        return None
    widths = sorted(_width(line[:best].strip()) for line in both)
    others = sorted(_width(line[best:].strip()) for line in both)
    middle = len(both) // 2
    cells = sum(_CELL.match(line[best:]) is not None for line in both)
    if min(widths[middle], others[middle]) <= LONGEST_CELL or 2 * cells >= len(both):
        return None
    return best


def _crosses(line: str, at: int) -> bool:
    """Whether text runs through the place: no two blanks, nor an end of the line, stand before it."""
    if at >= len(line) or not line[:at].strip():
        return False
    return not line[max(0, at - 2) : at].isspace()


def _width(text: str) -> float:
    return sum(0.5 if c < "\u2e80" else 1.0 for c in text)
