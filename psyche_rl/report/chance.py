"""What blind guessing would score on the exam, and whether a model does better.

A guesser knows whether one or several options are right: one of n letters for a single choice, one
of the 2^n - 1 non-empty subsets for a multiple choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from psyche_rl.records import Question


@dataclass(frozen=True)
class ChanceLevels:
    """Expected strict accuracy of a guesser, over all test questions and per kind."""

    overall: float
    by_kind: Mapping[str, float]


def chance_levels(questions: Sequence[Question]) -> ChanceLevels:
    """Mean guessing accuracy; questions without options cannot be guessed and count as 0."""
    by_kind: dict[str, list[float]] = {}
    for question in questions:
        by_kind.setdefault(question.kind, []).append(_guess(question))
    every = [level for levels in by_kind.values() for level in levels]
    return ChanceLevels(_mean(every), {kind: _mean(levels) for kind, levels in by_kind.items()})


def reaches_chance(interval: tuple[float, float], chance: float) -> bool:
    """Whether an accuracy's (low, high) interval reaches down to guessing."""
    return interval[0] <= chance


def _guess(question: Question) -> float:
    count = len(question.options)
    if count == 0:
        return 0.0
    one_right = question.kind == "single" or (question.kind == "case" and len(question.gold) == 1)
    return 1 / count if one_right else 1 / (2**count - 1)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
