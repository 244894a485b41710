"""Simplified or traditional Chinese, by opencc's tables (the pure Python port, no download)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

_TABLES = {"to_simplified": "t2s", "to_traditional": "s2t"}


def to_simplified(text: str) -> str:
    """Traditional characters and phrases as simplified ones."""
    return str(_converter("to_simplified").convert(text))


def to_traditional(text: str) -> str:
    """Simplified characters and phrases as traditional ones."""
    return str(_converter("to_traditional").convert(text))


@lru_cache
def _converter(name: str) -> Any:
    from opencc import OpenCC

    return OpenCC(_TABLES[name])
