"""Human review of the control chain: the queue, the decisions, and what they do to the records.

A stage makes items with :func:`queue_items`, leaves them with :func:`write_queue`, stops at
:func:`await_review` if it was told to wait, and goes on with what :func:`apply_review` gives back. The page
that a person decides on is ``launch.servers.review``.
"""

from data_pipeline.review.apply import Applied, apply_decisions
from data_pipeline.review.edits import EditFault, edited_dialogue, edited_question
from data_pipeline.review.gate import (
    ReviewPending,
    apply_review,
    await_review,
    queue_of,
    read_queue,
    write_queue,
)
from data_pipeline.review.queue import Evidence, Flag, Queued, is_sampled, queue_items, queued
from data_pipeline.review.standing import is_open, standing

__all__ = [
    "Applied",
    "EditFault",
    "Evidence",
    "Flag",
    "Queued",
    "ReviewPending",
    "apply_decisions",
    "apply_review",
    "await_review",
    "edited_dialogue",
    "edited_question",
    "is_open",
    "is_sampled",
    "queue_items",
    "queue_of",
    "queued",
    "read_queue",
    "standing",
    "write_queue",
]
