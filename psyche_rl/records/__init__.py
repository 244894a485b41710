"""Wire types: frozen records with arrow and JSON schemas (``psyche-rl schema DIR`` exports them)."""

from psyche_rl.records.base import Record, content_id
from psyche_rl.records.review import AnswerCount, ReviewDecision, ReviewItem, ReviewReason
from psyche_rl.records.rollout import GenerationRequest, Group, Sample, ScoredSample
from psyche_rl.records.text import (
    LETTERS,
    Dialogue,
    Message,
    Passage,
    Quarantined,
    Question,
    QuestionKind,
    Rationale,
    SftExample,
    Verdict,
)

ALL_RECORDS: tuple[type[Record], ...] = (
    Passage,
    Question,
    Rationale,
    Dialogue,
    Verdict,
    Quarantined,
    SftExample,
    GenerationRequest,
    Sample,
    Group,
    ScoredSample,
    ReviewItem,
    ReviewDecision,
)

__all__ = [
    "ALL_RECORDS",
    "LETTERS",
    "AnswerCount",
    "Dialogue",
    "GenerationRequest",
    "Group",
    "Message",
    "Passage",
    "Quarantined",
    "Question",
    "QuestionKind",
    "Rationale",
    "Record",
    "ReviewDecision",
    "ReviewItem",
    "ReviewReason",
    "Sample",
    "ScoredSample",
    "SftExample",
    "Verdict",
    "content_id",
]
