"""Questions from passages (paper section 3.1.1): each is based on a span of its passage.

Collaborators: the LLM through ``json_calls``; ``question_rules`` and ``spans`` hold the rules; the synth
stage maps :func:`question_block` over passages.
Invariants:
- Which calls are made depends on passage, settings and seed alone.
- A call ends in one outcome (stage ``questions.calls``), which names the rows of its reply, and so does each
  of these rows (stage ``questions``).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from actors.llm.client import LLM
from data_pipeline.cleaning.text_rules import clean_text
from data_pipeline.domains import Domain
from data_pipeline.ingest.exam_options import options_of
from data_pipeline.rows.mixed_records import to_mixed
from data_pipeline.rows.row_origin import RowOrigin
from data_pipeline.synthesis.json_calls import Unreadable, ask_until_read
from data_pipeline.synthesis.reply_schemas import QUESTIONS
from data_pipeline.synthesis.templates import request
from data_pipeline.text.question_rules import canonical_gold, fault, option_clash, split_mark
from data_pipeline.text.spans import locate
from psyche_rl.config.synth import SynthConfig
from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.llm import CallFailure, ChatRequest
from psyche_rl.llm.json_reply import rows_in_reply
from psyche_rl.questions.render import KIND_NAMES
from psyche_rl.records import Passage, Question, QuestionKind, RowOutcome, content_id
from psyche_rl.store.digests import digests64
from psyche_rl.store.stored_records import one_field

CALLS, STAGE = "questions.calls", "questions"
SAMPLES_PER_SEED, SAMPLES_PER_CALL = 1_000_000, 2
TEMPLATES: dict[QuestionKind, str] = {
    "single": "questions",
    "multiple": "questions",
    "case": "questions_case",
    "short": "questions_short",
}


@dataclass(frozen=True)
class QuestionCall:
    """The ``call``-th (from 1) of ``calls`` calls for questions of one kind on one passage."""

    passage: Passage
    kind: QuestionKind
    count: int
    call: int
    calls: int
    domain: Domain = field(repr=False, compare=False)

    @property
    def id(self) -> str:
        """Names the call in the accounting."""
        return f"{self.passage.id}/{self.kind}/{self.call}"

    @property
    def prompt_version(self) -> str:
        return self.domain.version(TEMPLATES[self.kind])

    def row(self, place: int | None = None) -> RowOrigin:
        """The call itself, or the ``place``-th row of its reply."""
        stage, id_ = (CALLS, self.id) if place is None else (STAGE, f"{self.id}/{place}")
        return RowOrigin(stage, id_, self.passage.source, self.passage.row, self.prompt_version)

    def request(self, teacher: TeacherConfig, seed: int) -> ChatRequest:
        """The chat request."""
        prompt = self.domain.render(
            TEMPLATES[self.kind],
            count=self.count,
            kind=self.kind,
            kind_name=KIND_NAMES[self.kind],
            title=self.passage.title,
            call=self.call,
            calls=self.calls,
            passage=self.passage.text,
        )
        return request(teacher, prompt, sample=seed * SAMPLES_PER_SEED + self.call * SAMPLES_PER_CALL)


def plan(passage: Passage, synth: SynthConfig, domain: Domain) -> list[QuestionCall]:
    """The calls that ask for all questions of a passage."""
    calls: list[QuestionCall] = []
    wanted: tuple[tuple[QuestionKind, int], ...] = (
        ("single", synth.single_per_passage),
        ("multiple", synth.multiple_per_passage),
        ("case", synth.case_per_passage),
        ("short", synth.short_per_passage),
    )
    for kind, total in wanted:
        n = math.ceil(total / synth.questions_per_call)
        for place in range(n):
            count = min(synth.questions_per_call, total - place * synth.questions_per_call)
            calls.append(QuestionCall(passage, kind, count, place + 1, n, domain))
    return calls


def question_block(block: pa.Table, synth: SynthConfig, seed: int, llm: LLM, domain: Domain) -> pa.Table:
    """Ray Data: a block of passages to questions and the outcomes of calls and of rows."""
    calls = [call for passage in Passage.from_table(block) for call in plan(passage, synth, domain)]
    replies: dict[str, list[dict[str, Any]] | Unreadable | CallFailure] = {}
    for shape in dict.fromkeys(QUESTIONS.values()):
        asked = [call for call in calls if QUESTIONS[call.kind] is shape]
        requests = [call.request(llm.teacher, seed) for call in asked]
        found = ask_until_read(llm, requests, shape, rows_in_reply, "questions")
        replies |= {call.id: reply for call, reply in zip(asked, found, strict=True)}
    records: list[Question | RowOutcome] = []
    for call in calls:
        records += read_reply(call, replies[call.id])
    return to_mixed(records, (Question, RowOutcome))


def read_reply(
    call: QuestionCall, reply: Sequence[dict[str, Any]] | Unreadable | CallFailure
) -> list[Question | RowOutcome]:
    """What a reply holds: the outcome of the call, then question and outcome of each row. Pure."""
    if isinstance(reply, CallFailure):
        return [call.row().failed(reply)]
    if isinstance(reply, Unreadable):
        return [call.row().quarantined(reply.reason, reply.text)]
    rows = [call.row(place) for place in range(len(reply))]
    records: list[Question | RowOutcome] = [call.row().ok(rows_read=(row.id for row in rows))]
    for row, fields in zip(rows, reply, strict=True):
        records += _question(call, row, fields)
    return records


def keepers(questions: Collection[Question]) -> Iterator[str | None]:
    """For each question the id of an earlier one of the same kind, case, stem and set of options, whatever
    the options' order; None for the first of each.

    A digest of eight bytes stands for what is asked.
    """
    digests = digests64(repr(asked_by(question)) for question in questions)
    _, first, asked = np.unique(digests, return_index=True, return_inverse=True)
    keeper = first[asked] if len(digests) else first
    repeats = {int(at) for at in keeper[keeper != np.arange(len(keeper))]}
    ids = {at: id_ for at, id_ in enumerate(one_field(questions, "id")) if at in repeats}
    for at, kept in enumerate(keeper):
        yield ids[int(kept)] if kept != at else None


def asked_by(question: Question) -> object:
    """What a question asks, whatever the order of its options: equal for two that ask the same."""
    return question.kind, question.case or "", question.stem, tuple(sorted(question.options))


def _question(call: QuestionCall, row: RowOrigin, fields: dict[str, Any]) -> list[Question | RowOutcome]:
    """One row of a reply: the question with its outcome, or the outcome alone."""
    passage, kind = call.passage, call.kind
    _, stem = split_mark(str(fields.get("stem") or fields.get("question") or ""))
    case = clean_text(str(fields.get("case") or "")) if kind == "case" else ""
    options = options_of(fields.get("options")) if kind != "short" else ()
    if isinstance(options, str):
        return [row.quarantined(options, str(fields))]
    gold = _gold(kind, fields.get("gold") or fields.get("answer") or "")
    if clash := option_clash(options, gold):
        return [row.filtered("options", clash, str(fields))]
    why = "the case is empty" if kind == "case" and not case else fault(kind, stem, options, gold)
    if why is not None:
        return [row.quarantined(why, str(fields))]
    span = locate(str(fields.get("span") or ""), passage.text)
    if span is None:
        return [row.filtered("span", "the span does not stand in the passage", str(fields))]
    question = Question(
        id=content_id("question", kind, case, stem, *options, gold),
        kind=kind,
        stem=stem,
        options=options,
        gold=gold,
        case=case or None,
        passage_id=passage.id,
        span=span,
        source=passage.source,
        prompt_version=call.prompt_version,
    )
    return [question, row.ok(question.id)]


def _gold(kind: QuestionKind, answer: Any) -> str:
    """Sorted letters, or the key points of a short answer, one a line."""
    points = [str(part).strip() for part in answer] if isinstance(answer, list) else [str(answer).strip()]
    if kind == "short":
        return "\n".join(clean_text(point) for point in points if point)
    return canonical_gold("".join(points))
