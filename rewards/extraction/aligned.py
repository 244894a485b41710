"""A copy of the text in one spelling, character for character, so that spans hold in the original.

Full-width forms and look-alikes are folded one to one; brackets, quotes and Markdown or LaTeX
ornaments become blanks, since they never decide what an answer is; ``}`` ends a clause.
"""

from __future__ import annotations

import unicodedata

from rewards.canonical import LOOK_ALIKES

CLAUSE_END = "\x03"
_ORNAMENTS = '()[]{【】「」『』〔〕〖〗“”"*`$_#'
_MARKS = {
    **dict.fromkeys(_ORNAMENTS, " "),
    **dict.fromkeys("‘’", "'"),
    **dict.fromkeys("\n\x0b\x0c\x85\u2028\u2029", "\n"),
    "}": CLAUSE_END,
}
_PARENTHESISED = 0x249C, 0x24B6, 0x24D0, 0x1F110
"""⒜, Ⓐ, ⓐ, 🄐: where each run of 26 lettered symbols begins."""


class _Folding(dict[int, str]):
    """Code point -> its one-character folding, worked out when first met."""

    def __missing__(self, code: int) -> str:
        folded = self[code] = _fold(code)
        return folded


def _fold(code: int) -> str:
    for first in _PARENTHESISED:
        if first <= code < first + 26:
            return chr(ord("A") + code - first)
    character = chr(code)
    normal = unicodedata.normalize("NFKC", character)
    folded = LOOK_ALIKES.get(code) or (normal if len(normal) == 1 else character)
    if folded in _MARKS:
        return _MARKS[folded]
    return " " if folded.isspace() or unicodedata.category(folded) == "Cf" else folded


_FOLDING = _Folding()


def aligned(text: str) -> str:
    """The text in one spelling, of the same length."""
    return text.translate(_FOLDING)
