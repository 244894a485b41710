"""The mini world's held-out exam, and its questions, as records of the pipeline."""

from __future__ import annotations

from psyche_rl.mini import world
from psyche_rl.mini.cards import Card
from psyche_rl.records import Question, content_id


def held_out_exam(
    cards: list[Card], seed: int, questions: int, multiple_share: float, split: world.Split
) -> list[Question]:
    """Questions of the dev or test split with right keys; stems and option sets never occur in training."""
    shape = world.ExamShape(multiple_share=multiple_share)
    exam = world.build_exam(cards, seed, questions, split, shape)
    return [to_record(q, f"mini-exam-{split}") for q in {(q.stem, q.options): q for q in exam}.values()]


def to_record(question: world.WorldQuestion, source: str) -> Question:
    """A question of the mini world as the pipeline knows questions."""
    stem = question.stem.removeprefix(f"{world.PREFIX[question.kind]}：")
    return Question(
        id=content_id("q", source, stem, *question.options),
        kind=question.kind,
        stem=stem,
        options=question.options,
        gold=question.gold,
        source=source,
    )
