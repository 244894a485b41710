"""Half characters: a surrogate without its other half, as a reply cut inside an emoji holds one.

Invariant: what :func:`whole_characters` gives can be written as UTF-8, so to SQLite, parquet and JSON files.

    >>> whole_characters("好的\\ud83d") == "好的", whole_characters("好的😀") == "好的😀"
    (True, True)
"""

from __future__ import annotations

import re

_SURROGATE = re.compile("[\ud800-\udfff]")


def whole_characters(text: str) -> str:
    """The text without lone surrogates; two halves that stand together become their character."""
    if text.isascii() or not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
