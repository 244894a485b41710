"""What a text says, as numbers for ``crisis_model``: its concepts and their order, its words, its characters.

Role: :func:`sentences_of` cuts a folded text, :func:`features_of` says what a run of sentences holds; the one
definition for training and for use.
Collaborators: ``crisis_lexicon`` folds text and finds concepts.
Invariants:
- Pure; the same text gives the same features everywhere.
- Each family of features has length 1, so that a long text weighs no more than a short one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from data_pipeline.cleaning.crisis_lexicon import Concept, concepts_of

_SENTENCE = re.compile(r"[^。！？!?\n]+[。！？!?\n]*")
_CLAUSES = re.compile(r"[,，、。！？!?;；:：\n.…~]+|\s+(?:but|and|because)\s+|但|可是|不过")
_NOISE = re.compile(r"[^\w一-鿿《》?😂💀]+")
_TOKEN = re.compile(r"[a-z0-9]+|[一-鿿]|[?《😂]")
_WORD = re.compile(r"[a-z]+|\d+")
_CHARACTERS = range(1, 5)
_PHRASE = range(2, 5)
_WORDS = range(1, 4)
_REACH = 4  # concepts apart at most, for a pair
_DENIAL_REACH = 2  # concepts that a denial carries to
_CARRY = frozenset(["self", "neg", "wish", "he", "family", "now", "intend", "everyone", "partner"])


@dataclass(frozen=True)
class Sentence:
    """Where a sentence stands in its folded text, and the features of it by family."""

    start: int
    end: int
    families: Sequence[frozenset[str]]


def sentences_of(text: str) -> list[Sentence]:
    """The sentences of a folded text."""
    return [
        Sentence(*found.span(), [frozenset(family) for family in _families(found[0])])
        for found in _SENTENCE.finditer(text)
        if found[0].strip()
    ]


def features_of(sentences: Sequence[Sentence]) -> dict[str, float]:
    """Feature -> value of sentences that follow one another."""
    values: dict[str, float] = {}
    for families in zip(*(sentence.families for sentence in sentences), strict=True):
        names = sorted(frozenset[str]().union(*families))
        values.update(dict.fromkeys(names, 1 / math.sqrt(len(names) or 1)))
    return values


def _families(sentence: str) -> tuple[Iterator[str], ...]:
    clauses = [(clause, concepts_of(clause)) for clause in _CLAUSES.split(sentence) if clause]
    return (
        _characters(sentence),
        (f"a:{name}" for _, found in clauses for name in _denied(found)),
        (pair for _, found in clauses for pair in _pairs(_denied(found))),
        (phrase for clause, found in clauses for phrase in _phrases(clause, found)),
        _english(sentence),
    )


def _characters(text: str) -> Iterator[str]:
    plain = f" {_NOISE.sub(' ', text).strip()} "
    for n in _CHARACTERS:
        yield from (f"c:{plain[at : at + n]}" for at in range(len(plain) - n + 1))


def _pairs(names: Sequence[str]) -> Iterator[str]:
    for at, first in enumerate(names):
        yield from (f"p:{first} {second}" for second in names[at + 1 : at + 1 + _REACH])


def _phrases(clause: str, concepts: Sequence[Concept]) -> Iterator[str]:
    """Runs of tokens with names of concepts in place of their words."""
    tokens, at = ["^"], 0
    for one in concepts:
        tokens += [*_TOKEN.findall(clause[at : one.start]), f"<{one.name}>"]
        at = one.end
    tokens += [*_TOKEN.findall(clause[at:]), "$"]
    for n in _PHRASE:
        yield from (f"m:{'_'.join(tokens[at : at + n])}" for at in range(len(tokens) - n + 1))


def _english(text: str) -> Iterator[str]:
    words = _WORD.findall(text)
    for n in _WORDS:
        yield from (f"w:{' '.join(words[at : at + n])}" for at in range(len(words) - n + 1))


def _denied(concepts: Sequence[Concept]) -> list[str]:
    """Their names, with the sign of a denial on those within its reach."""
    names, reach = [], 0
    for one in concepts:
        carries = one.name in _CARRY
        names.append(f"not {one.name}" if reach and not carries else one.name)
        reach = _DENIAL_REACH if one.name == "neg" else max(0, reach - (not carries))
    return names
