"""Cues of self-harm and violence in a text.

Role: says whether a conversation is for a person to read before anything is learned from it. A flag, not a
diagnosis: it is made to miss little and to be wrong at times.
Collaborators: ``crisis_cues.yaml`` is the documented word list; ``post_cleaning`` routes rows.
Invariants:
- Pure.
- A negated cue (我不想自杀) is a cue and says so.
- A cue that is part of a subject's name (自杀率的研究) is none, unless the sentence speaks of a person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import yaml

CueKind = Literal["self_harm", "violence"]
_KINDS: tuple[CueKind, ...] = ("self_harm", "violence")
_WORDS = Path(__file__).with_name("crisis_cues.yaml")
_SENTENCE_END = "。！？!?\n"
NEGATION_REACH = 5  # characters between the end of a negation and its cue


@dataclass(frozen=True)
class Cue:
    """One cue as it stands in a text."""

    kind: CueKind
    words: str
    negated: bool

    def __str__(self) -> str:
        return f"{self.kind}: {self.words}{' (negated)' if self.negated else ''}"


def crisis_cues(text: str) -> list[Cue]:
    """All cues of a text in its order."""
    words = _words()
    cues: list[tuple[int, Cue]] = []
    for kind in _KINDS:
        for found in words.cues[kind].finditer(text):
            sentence, at = _sentence(text, found.start())
            if not _is_subject(words, sentence, at, at + len(found[0])):
                before = sentence[:at]
                cues.append((found.start(), Cue(kind, found[0], bool(words.negated.search(before)))))
    return [cue for _, cue in sorted(cues, key=lambda placed: placed[0])]


@dataclass(frozen=True)
class _Words:
    cues: dict[CueKind, re.Pattern[str]]
    subjects: re.Pattern[str]
    persons: re.Pattern[str]
    negated: re.Pattern[str]


@lru_cache
def _words() -> _Words:
    tree = yaml.safe_load(_WORDS.read_text("utf-8"))
    negations = "|".join(tree["negations"])
    return _Words(
        cues={kind: re.compile("|".join(tree[kind])) for kind in _KINDS},
        subjects=re.compile("|".join(tree["subjects"])),
        persons=re.compile("|".join(tree["persons"])),
        negated=re.compile(rf"(?:{negations})[^，,；;]{{0,{NEGATION_REACH}}}$"),
    )


def _sentence(text: str, at: int) -> tuple[str, int]:
    """The sentence around a place, and the place in it."""
    start = max(text.rfind(mark, 0, at) for mark in _SENTENCE_END) + 1
    ends = [end for mark in _SENTENCE_END if (end := text.find(mark, at)) >= 0]
    return text[start : min(ends, default=len(text))], at - start


def _is_subject(words: _Words, sentence: str, start: int, end: int) -> bool:
    if words.persons.search(sentence):
        return False
    return any(s.start() <= start and end <= s.end() for s in words.subjects.finditer(sentence))
