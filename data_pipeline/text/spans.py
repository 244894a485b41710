"""Finding the span of its passage that a question is based on, however the teacher spelled it.

Pure. Two texts are the same if they agree in canonical form: NFKC, look-alike ideographs folded, without
white space and case. What is kept is the passage's own spelling.
"""

from __future__ import annotations

from functools import lru_cache

from rewards.text.canonical import canonical_text

_QUOTES = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "。": ".", "、": ","})


def canonical(text: str) -> str:
    """The form in which spans, options and stems are compared."""
    return "".join(_canonical_character(c) for c in text)


def locate(span: str, text: str) -> str | None:
    """The part of ``text`` that ``span`` quotes, spelled as in ``text``; None if it quotes nothing there."""
    span = span.strip()
    if not span or span in text:
        return span or None
    wanted = canonical(span)
    if not wanted:
        return None
    letters, places = [], []
    for place, character in enumerate(text):
        folded = _canonical_character(character)
        letters.append(folded)
        places += [place] * len(folded)
    at = "".join(letters).find(wanted)
    return None if at < 0 else text[places[at] : places[at + len(wanted) - 1] + 1]


@lru_cache(maxsize=65536)
def _canonical_character(character: str) -> str:
    return "".join(canonical_text(character.translate(_QUOTES)).split()).casefold()
