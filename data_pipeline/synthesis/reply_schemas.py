"""The JSON that each prompt asks for, as servers with structured output are told.

The readers of the steps are more lenient, row by row: a server that enforces nothing, or that was told by
the prompt alone, may wrap, fence or leave out.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from psyche_rl.records import QuestionKind


class Options(BaseModel):
    """Four options by their letters."""

    A: str
    B: str
    C: str
    D: str


class ChoiceQuestion(BaseModel):
    """A question with options; ``gold`` are letters, ``span`` stands in the passage."""

    stem: str
    options: Options
    gold: str
    span: str


class CaseQuestion(ChoiceQuestion):
    """A choice question about a case."""

    case: str


class ShortQuestion(BaseModel):
    """A question whose gold are key points."""

    stem: str
    gold: list[str]
    span: str


class ChoiceQuestions(BaseModel):
    """Reply to ``questions.j2``."""

    questions: list[ChoiceQuestion]


class CaseQuestions(BaseModel):
    """Reply to ``questions_case.j2``."""

    questions: list[CaseQuestion]


class ShortQuestions(BaseModel):
    """Reply to ``questions_short.j2``."""

    questions: list[ShortQuestion]


QUESTIONS: dict[QuestionKind, type[BaseModel]] = {
    "single": ChoiceQuestions,
    "multiple": ChoiceQuestions,
    "case": CaseQuestions,
    "short": ShortQuestions,
}


class QualityReview(BaseModel):
    """Reply to ``quality.j2``: codes of issues, none if there is none."""

    issues: list[str]
    comment: str


class CrisisReading(BaseModel):
    """Reply to ``crisis.j2``: kinds of crisis, none if there is none, and the words that say so."""

    kinds: list[str]
    words: str


class Preference(BaseModel):
    """Reply to ``gate.j2``."""

    better: Literal["甲", "乙"]


class Turn(BaseModel):
    """One message of a conversation."""

    role: Literal["user", "assistant"]
    content: str


class Conversation(BaseModel):
    """Reply to ``turns_generate.j2`` and ``turns_optimise.j2``."""

    turns: list[Turn]


class Problems(BaseModel):
    """Reply to ``turns_evidence.j2``: none if there is none."""

    problems: list[str]
