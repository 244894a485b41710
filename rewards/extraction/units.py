"""The units by which a reply's words are compared with the stem's: English words, pairs of ideographs.

Collaborators: ``predicates``, ``restated``, ``named`` and ``wording``, each with words of its own that do not
count.
"""

from __future__ import annotations

import re

WORD = re.compile(r"[a-z][a-z'-]{2,}")
IDEOGRAPHS = re.compile(r"[\u4e00-\u9fff]+")


def pairs_of(said: str, empty: re.Pattern[str]) -> list[str]:
    """Neighbours among the ideographs that ``empty`` leaves; one that stands alone is a unit too."""
    return [
        run[at : at + 2]
        for whole in IDEOGRAPHS.findall(said)
        for run in empty.sub(" ", whole).split()
        for at in range(max(1, len(run) - 1))
    ]


def beginning(word: str) -> str:
    """The letters that another form of an English word has as well."""
    return word[: max(4, len(word) - 3)]


def same_word(one: str, other: str) -> bool:
    """Whether two units are one word, perhaps in other forms (``bullied``, ``bullying``)."""
    if one == other:
        return True
    if not (one.isascii() and other.isascii()):
        return False
    short, long = sorted((one, other), key=len)
    return long.startswith(beginning(short))
