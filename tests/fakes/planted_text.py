"""Text that steers a terminal, as it may stand in any data."""

import unicodedata

PLANTED = (
    "\x1b[31mred \x1b]8;;http://evil\x1b\\link \x1b]52;c;cGxhbnQ=\x07 \x9b2J \u202egnp.exe \r\x08 "
    "[bold]x[/bold]"
)


def steers(text: str) -> list[str]:
    """The characters of ``text`` that a terminal would obey, or turn the reading by."""
    bidi = {"RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI", "FSI", "PDI"}
    return [
        c for c in text
        if (unicodedata.category(c) == "Cc" and c not in "\n\t") or unicodedata.bidirectional(c) in bidi
    ]  # fmt: skip
