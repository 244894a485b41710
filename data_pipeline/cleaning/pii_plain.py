"""A text in the spelling in which personal data are looked for, character by character.

Invariants:
- As long as the text: a place in one is the same place in the other.
- Pure.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from data_pipeline.cleaning.chinese_script import to_simplified

_NUMERALS = dict(zip("〇零一二三四五六七八九幺", "001234567891", strict=True))


def plain(text: str) -> str:
    """Full width as ASCII, ① as 1, traditional characters as simplified ones."""
    return text if text.isascii() else "".join(map(_plain_character, text))


def digits(text: str) -> str:
    """Plain text with Chinese numerals as digits too: 一三八零 as 1380."""
    return "".join(_NUMERALS.get(character, character) for character in text)


@lru_cache(maxsize=65536)
def _plain_character(character: str) -> str:
    if character.isascii():
        return character
    if unicodedata.category(character) == "No" and 0 <= unicodedata.numeric(character) <= 9:
        value = unicodedata.numeric(character)
        return str(int(value)) if value == int(value) else character
    folded = unicodedata.normalize("NFKC", character)
    if len(folded) == 1 and folded != character:
        return folded
    simplified = to_simplified(character)
    return simplified if len(simplified) == 1 else character
