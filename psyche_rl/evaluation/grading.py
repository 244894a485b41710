"""Grading an exam: replies to questions become rows, rows become the figures of the report.

Pure functions over ``rewards`` (``McqStrict`` for correctness, ``ThinkFormat`` for the format), so
that what is evaluated is what was rewarded. Invariant: a question that cannot be graded is never
counted as wrong: short ones are skipped and counted, an impossible gold key is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from psyche_rl.errors import DataError
from psyche_rl.evaluation.bootstrap import bootstrap_interval
from psyche_rl.records import Question, QuestionKind, Record
from rewards import McqStrict, RewardSample, ThinkFormat, extract_answer

FinishReason = Literal["stop", "length"]
AS_THE_PAPER = ThinkFormat()


class ExamReply(NamedTuple):
    """A model's reply to a question; ``response_length`` in tokens."""

    question: Question
    response: str
    finish_reason: FinishReason
    response_length: int


class GradedAnswer(Record):
    """One graded reply; ``answer`` holds the extracted letters, None where it commits to none."""

    question_id: str
    kind: QuestionKind
    response: str
    answer: str | None
    correct: bool
    format_ok: bool
    response_length: int
    finish_reason: FinishReason


@dataclass(frozen=True)
class GradedExam:
    """Rows in the order of the replies, and how many replies to short questions were left out."""

    rows: tuple[GradedAnswer, ...]
    skipped: int


def grade(replies: Iterable[ExamReply], form: ThinkFormat = AS_THE_PAPER) -> GradedExam:
    """Grade each reply strictly; ``form`` is the format that the model was rewarded for.

    Raises:
        DataError: a question's gold key is empty or names no existing option.
    """
    rows, skipped = [], 0
    for reply in replies:
        if reply.question.kind == "short":
            skipped += 1
        else:
            rows.append(_graded(reply, form))
    return GradedExam(tuple(rows), skipped)


def summarise(
    rows: Sequence[GradedAnswer],
    confidence: float,
    bootstrap_samples: int,
    seed: int,
    skipped: int = 0,
) -> dict[str, Any]:
    """The figures of one model, whole and by question kind.

    Keys: ``strict_accuracy``, ``interval`` [low, high], ``format_rate``, ``n``, ``mean_length``
    (tokens), and on top ``skipped`` and ``by_kind``. Figures over no rows are None.
    """
    by_kind = {}
    for kind in ("single", "multiple", "case"):
        of_kind = [row for row in rows if row.kind == kind]
        if of_kind:
            by_kind[kind] = _figures(of_kind, confidence, bootstrap_samples, seed)
    return {
        **_figures(rows, confidence, bootstrap_samples, seed),
        "skipped": skipped,
        "by_kind": by_kind,
    }


def _graded(reply: ExamReply, form: ThinkFormat) -> GradedAnswer:
    question = reply.question
    sample = RewardSample(
        id=question.id,
        response=reply.response,
        gold=question.gold,
        kind=question.kind,
        options=question.options,
        truncated=reply.finish_reason == "length",
    )
    correct = McqStrict().score(sample)
    if correct.error is not None:
        raise DataError(f"question {question.id}: {correct.error.message}; correct or remove the question")
    return GradedAnswer(
        question_id=question.id,
        kind=question.kind,
        response=reply.response,
        answer=extract_answer(reply.response, question.options).letters,
        correct=correct.value == 1.0,
        format_ok=form.score(sample).value == 1.0,
        response_length=reply.response_length,
        finish_reason=reply.finish_reason,
    )


def _figures(rows: Sequence[GradedAnswer], confidence: float, samples: int, seed: int) -> dict[str, Any]:
    n = len(rows)
    if not n:
        return {"strict_accuracy": None, "interval": None, "format_rate": None, "n": 0, "mean_length": None}
    correct = [float(row.correct) for row in rows]
    return {
        "strict_accuracy": sum(correct) / n,
        "interval": list(bootstrap_interval(correct, confidence, samples, seed)),
        "format_rate": sum(row.format_ok for row in rows) / n,
        "n": n,
        "mean_length": sum(row.response_length for row in rows) / n,
    }
