"""The LLM quality filter of the control chain (paper section 3.1.1): issues by code.

Collaborators: the LLM through ``json_calls``; the synth stage maps :func:`quality_block` over questions where
``synth.quality_filter`` is on; the domain's codes are put into the prompt.
Invariants:
- A question passes only if the reviewer named no issue.
- Each ends in one outcome of the stage ``quality``, whose filter is the first code.
- A review that cannot be read vouches for nothing.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from functools import partial

import pyarrow as pa

from actors.llm.client import LLM
from data_pipeline.domains import Domain
from data_pipeline.rows.mixed_records import to_mixed
from data_pipeline.rows.row_origin import RowOrigin
from data_pipeline.synthesis.json_calls import Unreadable, ask_until_read
from data_pipeline.synthesis.reply_schemas import QualityReview
from data_pipeline.synthesis.templates import request
from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.llm import CallFailure, ChatRequest
from psyche_rl.llm.json_reply import rows_in_reply
from psyche_rl.questions.render import KIND_NAMES, shown_to_teacher
from psyche_rl.records import Passage, Question, Record, RowOutcome

STAGE = "quality"
OTHER = "other"


class QuestionBesidePassage(Record):
    """What :func:`quality_block` takes."""

    question: Question
    passage: str


def beside_passages(
    questions: Iterable[Question], passages: Mapping[str, Passage]
) -> Iterator[QuestionBesidePassage]:
    """Each question with the text of its passage, or its span where the passage is not known."""
    for question in questions:
        passage = passages.get(question.passage_id or "")
        yield QuestionBesidePassage(
            question=question, passage=passage.text if passage else question.span or ""
        )


def quality_block(block: pa.Table, seed: int, llm: LLM, domain: Domain) -> pa.Table:
    """Ray Data: a block of questions, each beside its passage, to those that pass, and outcomes."""
    pairs = QuestionBesidePassage.from_table(block)
    questions = [pair.question for pair in pairs]
    requests = [review_request(pair.question, pair.passage, llm.teacher, seed, domain) for pair in pairs]
    replies = ask_until_read(
        llm, requests, QualityReview, partial(issues_of, known=domain.words.issues), "quality"
    )
    records: list[Question | RowOutcome] = []
    for question, reply in zip(questions, replies, strict=True):
        records += reviewed(question, reply, domain)
    return to_mixed(records, (Question, RowOutcome))


def review_request(
    question: Question, passage: str, teacher: TeacherConfig, seed: int, domain: Domain
) -> ChatRequest:
    """The request for a review: the only prompt that shows a key."""
    prompt = domain.render(
        "quality",
        kind_name=KIND_NAMES[question.kind],
        issues=domain.words.issues,
        passage=passage,
        question=shown_to_teacher(question),
        gold=question.gold,
        span=question.span,
    )
    return request(teacher, prompt, sample=seed)


def issues_of(reply: str, known: Container[str]) -> tuple[tuple[str, ...], str]:
    """The codes that a review names (unknown ones as ``other``), and its comment.

    Raises:
        ValueError: it holds no list of issues.
    """
    fields = rows_in_reply(reply)[0]
    named = fields.get("issues")
    if not isinstance(named, list):
        raise ValueError("no list of issues")
    codes = [str(code).strip() for code in named if str(code).strip()]
    found = dict.fromkeys(code if code in known else OTHER for code in codes)
    comment = str(fields.get("comment") or "")
    unknown = [code for code in codes if code not in known]
    return tuple(found), " ".join([comment, *unknown]).strip()


def reviewed(
    question: Question, reply: tuple[tuple[str, ...], str] | Unreadable | CallFailure, domain: Domain
) -> list[Question | RowOutcome]:
    """The question with its outcome if the review names no issue, else the outcome alone. Pure."""
    row = RowOrigin(STAGE, question.id, question.source, prompt=domain.version("quality"))
    if isinstance(reply, CallFailure):
        return [row.failed(reply)]
    if isinstance(reply, Unreadable):
        return [row.quarantined(reply.reason, reply.text)]
    codes, comment = reply
    if codes:
        return [row.filtered(codes[0], f"{', '.join(codes)}: {comment}", shown_to_teacher(question))]
    return [question, row.ok(question.id)]
