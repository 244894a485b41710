"""The test questions shown side by side: a seeded random sample, the same for every model.

Invariants:
- Picked blind, by id and seed, before looking at any answer, so that the page shows what is typical and not
  what is flattering.
- What is doubtful about a question stands beside it; a question that is doubtful in itself comes after those
  that are not.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psyche_rl.records import Question
from psyche_rl.report.doubts import question_doubts, reply_doubts

SHOWN = ("sft", "grpo")


@dataclass(frozen=True)
class SampleAnswer:
    """One model's reply to a test question and what the training reward would give it."""

    response: str
    answer: str
    correct: bool
    format_ok: bool
    reward: float
    judged: bool = False
    """Whether a judge read the letters, since the rules could not."""


@dataclass(frozen=True)
class SampleQuestion:
    """A test question with the replies before ("sft") and after ("grpo") training; either may lack."""

    question: Question
    answers: Mapping[str, SampleAnswer]
    remarks: tuple[str, ...] = ()
    """What may be wrong with question, key or replies."""


def pick_samples(
    questions: Sequence[Question],
    answers: Mapping[str, Sequence[Mapping[str, Any]]],
    reward: Mapping[str, Any],
    count: int,
    seed: int,
) -> list[SampleQuestion]:
    """Up to ``count`` questions with the rows that each model in ``answers`` has for them.

    Args:
        answers: model -> evaluation rows (question_id, response, answer, correct, format_ok).
        reward: the ``grpo.reward`` section; its weights turn the two checks into one score.
    """
    rows = {model: {row["question_id"]: row for row in answers.get(model, ())} for model in SHOWN}
    known = {question.id: question for question in questions}
    answered = sorted(set(known) & set().union(*rows.values()))
    chosen = random.Random(seed).sample(answered, min(count, len(answered)))
    samples = []
    for question in sorted((known[id_] for id_ in chosen), key=lambda q: bool(question_doubts(q))):
        of = {model: rows[model][question.id] for model in SHOWN if question.id in rows[model]}
        remarks = (*question_doubts(question), *reply_doubts(question, of))
        replies = {model: _answer(row, reward) for model, row in of.items()}
        samples.append(SampleQuestion(question, replies, remarks))
    return samples


def _answer(row: Mapping[str, Any], reward: Mapping[str, Any]) -> SampleAnswer:
    correct, format_ok = bool(row["correct"]), bool(row["format_ok"])
    value = reward.get("answer_weight", 1.0) * correct + reward.get("format_weight", 0.5) * format_ok
    judged = bool(row.get("judged"))
    return SampleAnswer(row["response"], row["answer"] or "", correct, format_ok, value, judged)
