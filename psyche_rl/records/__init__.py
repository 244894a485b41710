"""Wire types: frozen records with arrow and JSON schemas (``psyche-rl schema DIR`` exports them)."""

from psyche_rl.records.rationale_round import RationaleRound
from psyche_rl.records.record import Record, content_id
from psyche_rl.records.review import AnswerCount, ReviewDecision, ReviewItem, ReviewReason
from psyche_rl.records.rollout import GenerationRequest, Group, Sample, ScoredSample
from psyche_rl.records.row_outcome import RowOutcome, Status
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
    RowOutcome,
    RationaleRound,
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
    "RationaleRound",
    "Record",
    "ReviewDecision",
    "ReviewItem",
    "ReviewReason",
    "RowOutcome",
    "Sample",
    "ScoredSample",
    "SftExample",
    "Status",
    "Verdict",
    "content_id",
]
