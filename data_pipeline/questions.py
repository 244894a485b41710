"""Questions from passages (paper section 3.1.1): each rests on a verbatim span of its passage.

Collaborators: the LLM through ``actors.llm_client``; ``question_rules`` is the rule book; the synth stage
maps :func:`question_block` over passages.
Invariants: which calls are made depends on passage, settings and seed alone; a row of a reply becomes a
:class:`Question` or a :class:`Quarantined`, never nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from actors.llm_client import LLM
from data_pipeline.ingest.exam import options_of
from data_pipeline.json_reply import rows_in_reply
from data_pipeline.outcomes import to_outcomes
from data_pipeline.question_rules import canonical_gold, fault, split_mark
from data_pipeline.templates import KIND_NAMES, render, request
from psyche_rl.config.synth import SynthConfig
from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.llm import CallFailure, ChatRequest, ChatResult
from psyche_rl.records import Passage, Quarantined, Question, QuestionKind, content_id

STAGE = "synth.questions"
ASKS = 2  # a reply that cannot be parsed is asked for once more
CALLS_PER_SEED = 1_000_000


@dataclass(frozen=True)
class QuestionCall:
    """The ``call``-th (from 1) of ``calls`` calls for questions of one kind on one passage."""

    passage: Passage
    kind: QuestionKind
    count: int
    call: int
    calls: int

    def request(self, teacher: TeacherConfig, seed: int, ask: int) -> ChatRequest:
        """The chat request; ``ask`` counts the times it was asked before, so that a retry differs."""
        prompt = render(
            "questions",
            count=self.count,
            kind=self.kind,
            kind_name=KIND_NAMES[self.kind],
            title=self.passage.title,
            call=self.call,
            calls=self.calls,
            passage=self.passage.text,
        )
        return request(teacher, prompt, sample=seed * CALLS_PER_SEED + self.call * ASKS + ask)


def plan(passage: Passage, synth: SynthConfig) -> list[QuestionCall]:
    """The calls that ask for all questions of a passage."""
    calls: list[QuestionCall] = []
    wanted: tuple[tuple[QuestionKind, int], ...] = (
        ("single", synth.single_per_passage),
        ("multiple", synth.multiple_per_passage),
    )
    for kind, total in wanted:
        n = math.ceil(total / synth.questions_per_call)
        for place in range(n):
            count = min(synth.questions_per_call, total - place * synth.questions_per_call)
            calls.append(QuestionCall(passage, kind, count, place + 1, n))
    return calls


def question_block(block: pa.Table, synth: SynthConfig, seed: int, llm: LLM) -> pa.Table:
    """Ray Data: a block of passages to questions and quarantined rows."""
    calls = [call for passage in Passage.from_table(block) for call in plan(passage, synth)]
    records: dict[int, list[Question | Quarantined]] = {i: [] for i in range(len(calls))}
    pending = list(range(len(calls)))
    for ask in range(ASKS):
        requests = [calls[i].request(llm.teacher, seed, ask) for i in pending]
        results = llm.complete(requests, "questions")
        unread = []
        for i, result in zip(pending, results, strict=True):
            found, readable = read_reply(calls[i], result)
            records[i] += found
            if not readable:
                unread.append(i)
        pending = unread
    return to_outcomes((r for i in range(len(calls)) for r in records[i]), (Question, Quarantined))


def read_reply(call: QuestionCall, result: ChatResult) -> tuple[list[Question | Quarantined], bool]:
    """What a reply holds, and whether it could be read at all (a failed call is not asked again: the
    client has tried its best)."""
    if isinstance(result, CallFailure):
        return [_set_aside(call.passage, f"call failed: {result.kind}: {result.message}", "")], True
    try:
        rows = rows_in_reply(result.text)
    except ValueError as error:
        return [_set_aside(call.passage, f"reply is not the JSON asked for: {error}", result.text)], False
    return [_question(call, row) for row in rows], True


def without_repeats(questions: Iterable[Question]) -> Iterator[Question]:
    """The first question of each kind, stem and set of options, whatever the options' order."""
    seen: set[tuple[str, str, tuple[str, ...]]] = set()
    for question in questions:
        same = (question.kind, question.stem, tuple(sorted(question.options)))
        if same not in seen:
            seen.add(same)
            yield question


def _question(call: QuestionCall, row: dict[str, Any]) -> Question | Quarantined:
    """One row of a reply as a question."""
    passage, kind = call.passage, call.kind
    _, stem = split_mark(str(row.get("stem") or row.get("question") or ""))
    options = options_of(row.get("options"))
    answer = row.get("gold") or row.get("answer") or ""
    gold = canonical_gold("".join(map(str, answer)) if isinstance(answer, list) else str(answer))
    span = str(row.get("span") or "").strip()
    why = options if isinstance(options, str) else fault(kind, stem, options, gold)
    if why is None and (not span or span not in passage.text):
        why = "the span does not stand in the passage"
    if why is not None or isinstance(options, str):
        return _set_aside(passage, why or "no options", str(row))
    return Question(
        id=content_id("question", kind, "", stem, *options, gold),
        kind=kind,
        stem=stem,
        options=options,
        gold=gold,
        passage_id=passage.id,
        span=span,
        source=passage.source,
    )


def _set_aside(passage: Passage, reason: str, content: str) -> Quarantined:
    return Quarantined(
        stage=STAGE, source=passage.source, row=passage.row, reason=reason[:300], content=content[:2000]
    )
