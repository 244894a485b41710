"""Texts as they are compared: what the eye takes for the same character becomes the same character.

Collaborators: every rule of decontamination and near-duplicate search works on :func:`comparable` text.
Invariants: the result holds letters and digits only, so that n-grams run across spaces,
punctuation and line breaks. For comparison only: nothing that is folded here is ever written as data.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib import resources

from rewards.text.canonical import LETTER_LOOK_ALIKES, LOOK_ALIKES

_NO_WORD = re.compile(r"[\W_]+")
# Characters that scans and input methods confuse; any of a group stands for its first.
_CONFUSED = ("己已巳", "日曰", "土士", "未末", "戊戌戍", "人入", "天夭", "段叚")


def comparable(text: str) -> str:
    """NFKC, look-alike and traditional characters folded, lower case, no spaces and no punctuation.

    >>> comparable("⼥性，36 歲：（Ⅱ）")
    '女性36岁ii'
    """
    folded = (
        unicodedata.normalize("NFKC", text.translate(LETTER_LOOK_ALIKES)).translate(_ideographs()).casefold()
    )
    return _NO_WORD.sub("", folded)


@cache
def _ideographs() -> dict[int, str]:
    """Radicals, then traditional to simplified, then what is often confused, as one table."""
    lines = resources.files("opencc").joinpath("dictionary", "TSCharacters.txt").read_text("utf-8")
    simplified = {}
    for line in lines.splitlines():
        traditional, _, choices = line.partition("\t")
        simplified[ord(traditional)] = choices.split()[0]
    confused = {ord(c): group[0] for group in _CONFUSED for c in group[1:]}
    table = {code: to.translate(confused) for code, to in simplified.items()} | confused
    return {code: to.translate(table) for code, to in LOOK_ALIKES.items()} | table
