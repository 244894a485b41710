"""What a selector's answer to a question is worth, and verdicts under their questions. Pure.

Collaborators: ``engine_job`` and ``endpoint_job`` get the replies; ``judge`` and ``selection`` read the
verdicts. Invariant: each sample that a selector was to give of a question is one verdict, if only one that
says why there is no answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from psyche_rl.records import Question, Verdict
from rewards import extract_answer

TOO_LONG = "too_long"
ERROR_CHARS = 300
Verdicts = Mapping[str, Sequence[Verdict]]
"""Question id -> what all selectors answered in all samples."""


def verdict(label: str, question: Question, sample: int, text: str) -> Verdict:
    """The verdict on one reply of the selector ``label``."""
    answer = extract_answer(text, question.options, question.stem).letters
    return Verdict(
        question_id=question.id,
        selector=label,
        sample=sample,
        text=text,
        answer=answer,
        correct=answer == question.gold,
    )


def no_answer(label: str, question: Question, sample: int, error: str) -> Verdict:
    """A sample that there is no reply for, and why: no verdict on the question."""
    return Verdict(
        question_id=question.id,
        selector=label,
        sample=sample,
        text="",
        answer=None,
        correct=False,
        error=error[:ERROR_CHARS],
    )


def by_question(verdicts: Iterable[Verdict]) -> dict[str, list[Verdict]]:
    """Verdicts under their question's id, in the order given."""
    grouped: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        grouped[verdict.question_id].append(verdict)
    return dict(grouped)


def can_be_judged(question: Question) -> bool:
    """Letters can be compared with a key; key points of short answers cannot: these are not selected on."""
    return question.kind != "short" and bool(question.options)


def pass_rate(verdicts: Sequence[Verdict]) -> float:
    """Share of right samples in [0, 1].

    Raises:
        ZeroDivisionError: there is no verdict.
    """
    return sum(v.correct for v in verdicts) / len(verdicts)
