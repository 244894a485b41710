"""The name that a mistyped one was meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

ALIKE = 0.5


def nearest(wanted: str, names: Iterable[str], alike: float = ALIKE) -> str | None:
    """The most similar of ``names``; of equally similar ones that which begins like ``wanted``.

    >>> nearest("groop", ["rloo", "grpo"])
    'grpo'
    """
    close = [(difflib.SequenceMatcher(None, name, wanted).ratio(), name) for name in names]
    close = [(likeness, name) for likeness, name in close if likeness >= alike]
    if not close:
        return None
    return max(close, key=lambda pair: (pair[0], pair[1][:1] == wanted[:1], pair[1]))[1]
