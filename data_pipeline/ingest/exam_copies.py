"""Copies of one question among many: the same case and stem with the same options, in whatever order,
spelling and punctuation, and with whatever key.

Invariants:
- The first of the copies stands for all.
- Copies whose keys name other options leave the key in doubt, whichever came first.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from data_pipeline.text.comparable import comparable
from psyche_rl.records import LETTERS, Question


def same_question(question: Question) -> Hashable:
    """What all copies of a question share. Marks are all that some options differ in: those count then."""
    options = [comparable(option) for option in question.options]
    if len(set(options)) < len(options) or not all(options):
        options = ["".join(option.split()) for option in question.options]
    return comparable(question.case or ""), comparable(question.stem) or question.stem, frozenset(options)


def key_of(question: Question) -> Hashable:
    """What the key says, in words: letters mean other options where the order is another."""
    if not question.options:
        return comparable(question.gold)
    return frozenset(comparable(question.options[LETTERS.index(letter)]) for letter in question.gold)


def keys_in_doubt(questions: Iterable[Question]) -> set[Hashable]:
    """The questions (see :func:`same_question`) whose copies have different keys."""
    keys: dict[Hashable, set[Hashable]] = {}
    for question in questions:
        if question.options:  # two wordings of a short answer are no contradiction
            keys.setdefault(same_question(question), set()).add(key_of(question))
    return {same for same, found in keys.items() if len(found) > 1}
