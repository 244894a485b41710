"""Records of the data side: what the pipeline reads and writes before any token exists."""

from __future__ import annotations

from typing import Literal

from psyche_rl.records.record import Record

QuestionKind = Literal["single", "multiple", "case", "short"]
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Passage(Record):
    """A cleaned piece of source text; every later record leads back to one.

    ``source`` is the file, ``row`` its row, page or chapter from 1. ``offset`` and ``length`` (characters)
    say where in the text of that file, or in the text of that row, the piece stood before it was cleaned.
    """

    id: str
    text: str
    title: str | None = None
    source: str
    row: int
    offset: int = 0
    length: int = 0
    licence: str | None = None


class Question(Record):
    """An exam question. Options carry no letter: the n-th option is the n-th letter.

    ``gold`` holds sorted letters ("ABD") for single, multiple and case questions and the key points
    for short ones. ``span`` is the verbatim part of the passage that the question is based on.
    """

    id: str
    kind: QuestionKind
    stem: str
    options: tuple[str, ...] = ()
    gold: str
    case: str | None = None
    passage_id: str | None = None
    span: str | None = None
    source: str
    explanation: str | None = None
    prompt_version: str | None = None
    """``template@version`` of the prompt that asked for it; None for a given question."""

    @property
    def letters(self) -> str:
        """The option letters that exist, e.g. "ABCD"."""
        return LETTERS[: len(self.options)]


class Rationale(Record):
    """A reasoning text for a question whose answer equals the gold, and the prompt that got it."""

    id: str
    question_id: str
    prompt: str
    text: str
    answer: str
    round: int
    model: str
    prompt_version: str | None = None
    """``template@version`` of the frame that ``prompt`` was put in."""


class Message(Record):
    """One chat message."""

    role: Literal["system", "user", "assistant"]
    content: str


class Dialogue(Record):
    """A conversation: ``plain`` as found (post and reply), ``empathetic`` as rewritten.

    ``source`` is the file, ``row`` its row from 1, ``offset`` the character of a text file at which the
    conversation begins.
    """

    id: str
    kind: Literal["plain", "empathetic"]
    messages: tuple[Message, ...]
    source_id: str | None = None
    source: str
    row: int = 0
    offset: int = 0
    licence: str | None = None


class Verdict(Record):
    """One selector's one answer to one question."""

    question_id: str
    selector: str
    sample: int
    text: str
    answer: str | None
    correct: bool
    error: str | None = None
    """Why there is no answer: a call to a remote selector that failed is no verdict on the question."""


class Quarantined(Record):
    """A row that was set aside: where it stood, why, and what it said."""

    stage: str
    source: str
    row: int
    reason: str
    content: str


class SftExample(Record):
    """A chat to imitate: the loss falls on the last message only."""

    id: str
    kind: Literal["reasoning", "empathy"]
    messages: tuple[Message, ...]
    source_id: str
