"""Records of human review: what a person is shown, and what the person decided about it.

An item is named by the id of its record, so a decision holds wherever that record turns up. Decisions are
only ever added; ``data_pipeline.review.standing`` says which of them count.
"""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from psyche_rl.records.record import Record
from psyche_rl.records.text import Dialogue, Passage, Question

ReviewReason = Literal["crisis", "label_audit", "teacher_wrong", "quality_filter", "sampled"]
ReviewAction = Literal["accept", "edit", "reject", "undo"]


class AnswerCount(Record):
    """How often one selector gave one answer to the question (None: no answer could be read)."""

    selector: str
    answer: str | None
    count: int
    correct: bool


class ReviewItem(Record):
    """One question or dialogue for a person to look at, with the evidence needed to judge it.

    ``reasons`` say why it is in the queue, each once; ``notes`` hold what was found, one line each.
    """

    id: str
    reasons: tuple[ReviewReason, ...]
    notes: tuple[str, ...] = ()
    question: Question | None = None
    dialogue: Dialogue | None = None
    passage: Passage | None = None
    rationale: str | None = None
    answers: tuple[AnswerCount, ...] = ()
    original: Dialogue | None = None
    """The post and reply that ``dialogue`` was rewritten from."""

    @model_validator(mode="after")
    def _of_one_record(self) -> ReviewItem:
        ids = [r.id for r in (self.question, self.dialogue) if r is not None]
        if ids != [self.id] or not self.reasons:
            raise ValueError(f"item {self.id}: holds one record of that id and a reason, not {ids}")
        return self


class ReviewDecision(Record):
    """What a person decided about an item.

    ``edit`` holds the record as it is to be; ``undo`` takes back the decision that ``undoes`` names.
    ``reasons`` are those that the person was shown: an item with another one since is open again.
    """

    id: str
    item_id: str
    action: ReviewAction
    reason: str | None = None
    question: Question | None = None
    dialogue: Dialogue | None = None
    undoes: str | None = None
    reasons: tuple[ReviewReason, ...] = ()
    reviewer: str
    time: str
    """UTC, ISO 8601."""

    @model_validator(mode="after")
    def _whole(self) -> ReviewDecision:
        edits = [r.id for r in (self.question, self.dialogue) if r is not None]
        if edits != ([self.item_id] if self.action == "edit" else []):
            raise ValueError(f"decision {self.id}: {self.action} of {self.item_id} with the records {edits}")
        if (self.undoes is not None) != (self.action == "undo"):
            raise ValueError(f"decision {self.id}: an undo, and nothing else, names what it undoes")
        return self
