"""What a judge read in a reply that the rules left open, and what that makes of an exam. Pure.

Collaborators: ``answer_matching`` asks; the eval stage keeps and counts; the report shows.
Invariant: a judge adds letters where there were none. It never changes what the rules read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psyche_rl.evaluation.grading import GradedAnswer
from psyche_rl.records import Record

JUDGED = "eval/judged.parquet"


class JudgedAnswer(Record):
    """What the judge read in a reply; ``answer`` is None where it found none, or said nothing usable
    (``error``)."""

    model: str
    """Whose reply it is: base, sft or grpo."""
    question_id: str
    answer: str | None
    correct: bool
    error: str | None
    judge: str
    prompt_version: str


def with_judged(rows: Sequence[GradedAnswer], judged: Sequence[JudgedAnswer]) -> list[GradedAnswer]:
    """The rows of one model, in which what the judge read stands in place of nothing."""
    read = {each.question_id: each for each in judged if each.answer is not None}
    return [
        row.model_copy(update={"answer": given.answer, "correct": given.correct})
        if (given := read.get(row.question_id)) is not None and row.answer is None
        else row
        for row in rows
    ]


def judged_figures(rows: Sequence[GradedAnswer], judged: Sequence[JudgedAnswer]) -> dict[str, Any]:
    """How much of one model's accuracy rests on the judge: ``asked``, ``share`` of all replies that is,
    ``answered`` (of which letters were read), ``failed``, and who was asked by which prompt."""
    return {
        "asked": len(judged),
        "share": len(judged) / len(rows) if rows else 0.0,
        "answered": sum(each.answer is not None for each in judged),
        "failed": sum(each.error is not None for each in judged),
        "judge": judged[0].judge if judged else None,
        "prompt": judged[0].prompt_version if judged else None,
    }
