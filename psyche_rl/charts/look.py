"""How figures look: colours that can be read on white and on near-black, and room for long names."""

from __future__ import annotations

from collections.abc import Sequence

COLOURS = ("#2f7ed8", "#cf7a24", "#2a9d6f", "#8b5cd6", "#d4477d", "#7f8791", "#a38a22", "#129ab0")
ZOOM = "wheel![event.ctrlKey || event.metaKey]"
"""What zooms: not the wheel alone, which scrolls the page."""
ROOM = 300
"""Pixels across that the narrowest figure has for its legend."""
NAME_ROOM = 300
"""Pixels of one name in a legend; ``charts.js`` cuts a longer one."""
LETTER, SYMBOL = 6.2, 30
"""Pixels of a Latin letter in a legend, and of the symbol with its gaps."""


def colours_of(names: Sequence[str]) -> dict[str, list[str]]:
    """Vega-Lite's scale: a colour for each name, again from the first where there are more names."""
    return {"domain": list(names), "range": [COLOURS[at % len(COLOURS)] for at in range(len(names))]}


def legend_columns(names: Sequence[str]) -> int:
    """As many columns of a legend as fit side by side, so that no name is cut."""
    longest = max((width_of(name) for name in names), default=0)
    return max(1, min(len(names), int(ROOM // (longest + SYMBOL))))


def title_of(text: str) -> str:
    """``text`` in one line: Vega-Lite puts titles into expressions, whose parser takes no line end there."""
    return " ".join(text.split())


def width_of(text: str) -> float:
    """Pixels, about: a Chinese character is as wide as two letters."""
    return LETTER * sum(1 if ord(letter) < 0x2E80 else 2 for letter in text)
