"""Chinese text as words, by jieba and its own dictionary.

Role: the one place that asks jieba. Rules that look for a word in a text ask whether it is one there: 他 in
利他 is no person, and 高兴 no name.
Invariants:
- The dictionary (a second, 100 MB) is loaded by the first call, not by the import.
- jieba's shared tokenizer, which metrics are measured with, is not touched.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any

_COMMON = 50  # the dictionary takes 明白 for a name, but no name of two characters is met this often


def tokens_of(text: str) -> list[str]:
    """The words of a text in order; together they are the text."""
    return list(_tokenizer().cut(text))


def is_word(text: str) -> bool:
    """Whether the dictionary has it, as anything but the name of a person."""
    often = int(_dictionary().get(text) or 0)
    return (often > _COMMON and len(text) < 3) or (often > 0 and text not in _names())


@lru_cache
def _tokenizer() -> Any:
    import jieba

    jieba.setLogLevel(logging.WARNING)
    return jieba.Tokenizer()


def _dictionary() -> Any:
    tokenizer = _tokenizer()
    tokenizer.check_initialized()
    return tokenizer.FREQ


@lru_cache
def _names() -> frozenset[str]:
    lines = _tokenizer().get_dict_file().read().decode().splitlines()
    rows = (line.split(" ") for line in lines)
    return frozenset(row[0] for row in rows if row[-1].startswith("nr"))
