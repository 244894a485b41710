"""The LLM quality filter of the control chain (paper section 3.1.1): issues by code.

Collaborators: the LLM through ``json_calls``; the synth stage maps :func:`quality_block` over questions where
``synth.quality_filter`` is on; the scale of codes is put into the prompt.
Invariants:
- A question passes only if the reviewer named no issue.
- Each ends in one outcome of the stage ``quality``, whose filter is the first code.
- A review that cannot be read vouches for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from actors.llm.client import LLM
from data_pipeline.rows.mixed_records import to_mixed
from data_pipeline.rows.row_origin import RowOrigin
from data_pipeline.synthesis.json_calls import Unreadable, ask_until_read
from data_pipeline.synthesis.reply_schemas import QualityReview
from data_pipeline.synthesis.templates import render, request, version
from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.llm import CallFailure, ChatRequest
from psyche_rl.llm.json_reply import rows_in_reply
from psyche_rl.questions.render import KIND_NAMES, shown_to_teacher
from psyche_rl.records import Question, RowOutcome

STAGE = "quality"
ISSUES: dict[str, str] = {
    "wrong_key": "标准答案有误，或漏选、多选",
    "ambiguous": "题干含糊，或不止一种理解",
    "not_supported": "答案在材料中找不到依据",
    "needs_passage": "离开材料就无法作答，例如“根据上文”",
    "gives_away": "题干或选项的写法泄露了答案",
    "weak_distractors": "错误选项明显荒谬，不用知识也能排除",
    "off_topic": "与心理学无关",
    "harmful": "含有有害、歧视或泄露隐私的内容",
    "malformed": "语句不通或不完整",
}
OTHER = "other"
_PASSAGE = "passage"


def with_passages(questions: Sequence[Question], passages: Mapping[str, str]) -> pa.Table:
    """The table that :func:`quality_block` takes. ``passages``: id -> text."""
    texts = [passages.get(q.passage_id or "", q.span or "") for q in questions]
    return Question.to_table(questions).append_column(_PASSAGE, pa.array(texts, pa.string()))


def quality_block(block: pa.Table, seed: int, llm: LLM) -> pa.Table:
    """Ray Data: a block of questions, each beside its passage, to those that pass, and outcomes."""
    questions = Question.from_table(block.drop_columns([_PASSAGE]))
    requests = [
        review_request(question, passage, llm.teacher, seed)
        for question, passage in zip(questions, block.column(_PASSAGE).to_pylist(), strict=True)
    ]
    replies = ask_until_read(llm, requests, QualityReview, issues_of, "quality")
    records: list[Question | RowOutcome] = []
    for question, reply in zip(questions, replies, strict=True):
        records += reviewed(question, reply)
    return to_mixed(records, (Question, RowOutcome))


def review_request(question: Question, passage: str, teacher: TeacherConfig, seed: int) -> ChatRequest:
    """The request for a review: the only prompt that shows a key."""
    prompt = render(
        "quality",
        kind_name=KIND_NAMES[question.kind],
        issues=ISSUES,
        passage=passage,
        question=shown_to_teacher(question),
        gold=question.gold,
        span=question.span,
    )
    return request(teacher, prompt, sample=seed)


def issues_of(reply: str) -> tuple[tuple[str, ...], str]:
    """The codes that a review names (unknown ones as ``other``), and its comment.

    Raises:
        ValueError: it holds no list of issues.
    """
    fields = rows_in_reply(reply)[0]
    named = fields.get("issues")
    if not isinstance(named, list):
        raise ValueError("no list of issues")
    codes = [str(code).strip() for code in named if str(code).strip()]
    known = dict.fromkeys(code if code in ISSUES else OTHER for code in codes)
    comment = str(fields.get("comment") or "")
    unknown = [code for code in codes if code not in ISSUES]
    return tuple(known), " ".join([comment, *unknown]).strip()


def reviewed(
    question: Question, reply: tuple[tuple[str, ...], str] | Unreadable | CallFailure
) -> list[Question | RowOutcome]:
    """The question with its outcome if the review names no issue, else the outcome alone. Pure."""
    row = RowOrigin(STAGE, question.id, question.source, prompt=version("quality"))
    if isinstance(reply, CallFailure):
        return [row.failed(reply)]
    if isinstance(reply, Unreadable):
        return [row.quarantined(reply.reason, reply.text)]
    codes, comment = reply
    if codes:
        return [row.filtered(codes[0], f"{', '.join(codes)}: {comment}", shown_to_teacher(question))]
    return [question, row.ok(question.id)]
