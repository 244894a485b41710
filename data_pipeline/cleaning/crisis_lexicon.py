"""The concepts of which talk about a crisis is made, and the form of a text in which they are looked for.

Role: reads ``crisis_lexicon.yaml`` once; :func:`folded` spells a text as the lexicon does,
:func:`concepts_of` finds who wishes, does or fears what.
Collaborators: ``crisis_features`` makes numbers of them.
Invariants:
- Pure; the lexicon is read from the package, nothing is fetched.
- A broken entry fails when the lexicon is read, and names itself.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

from data_pipeline.cleaning.chinese_script import to_simplified

_FILE = Path(__file__).with_name("crisis_lexicon.yaml")
_DROPPED = re.compile("['’‘`\u200b-\u200f\u2060\ufeff\u00ad]|(?<=[一-鿿])[*_|~]+(?=[一-鿿])")
_SPACED_OUT = re.compile(r"(?<=[一-鿿]) (?=[一-鿿] [一-鿿])|(?<=[一-鿿] [一-鿿]) (?=[一-鿿])")


@dataclass(frozen=True)
class Concept:
    """A concept and where its words stand."""

    start: int
    end: int
    name: str


@dataclass(frozen=True)
class Lexicon:
    """Patterns over folded text; the fields are the sections of the file."""

    concepts: Sequence[tuple[str, re.Pattern[str]]]
    spellings: Sequence[tuple[re.Pattern[str], str]]


@lru_cache
def lexicon() -> Lexicon:
    """The built-in lexicon."""
    tree = yaml.safe_load(_FILE.read_text("utf-8"))
    return Lexicon(
        concepts=[
            (name, _pattern(rf"(?:{'|'.join(words['zh'])})|\b(?:{'|'.join(words['en'])})\b"))
            for name, words in tree["concepts"].items()
        ],
        spellings=[(_pattern(words), to) for words, to in tree["spellings"].items()],
    )


def folded(text: str) -> str:
    """The text as the lexicon spells it. Lengths may change."""
    text = unicodedata.normalize("NFKC", text).casefold()
    text = _SPACED_OUT.sub("", _DROPPED.sub("", text))
    if not text.isascii():
        text = to_simplified(text)
    for words, to in lexicon().spellings:
        text = words.sub(to, text)
    return text


def concepts_of(text: str) -> list[Concept]:
    """The concepts of a folded text in its order; where some overlap the longest words win."""
    found = [
        Concept(*hit.span(), name)
        for name, words in lexicon().concepts
        for hit in words.finditer(text)
        if hit[0]
    ]
    free = [True] * len(text)
    taken = []
    for one in sorted(found, key=lambda each: (each.start - each.end, each.start, each.name)):
        if all(free[one.start : one.end]):
            free[one.start : one.end] = [False] * (one.end - one.start)
            taken.append(one)
    return sorted(taken, key=lambda each: each.start)


def _pattern(words: str) -> re.Pattern[str]:
    try:
        return re.compile(words)
    except re.error as error:
        at = words[max(0, (error.pos or 0) - 30) : (error.pos or 0) + 30]
        raise ValueError(f"{_FILE.name}: {error.msg} near {at!r}") from None
