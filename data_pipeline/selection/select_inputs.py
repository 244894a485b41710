"""What selection works on: the records of synthesis as review leaves them, without evaluation items.

Collaborators: ``data_pipeline.review`` (decisions taken so far), ``data_pipeline.decontamination``; the
select stage.
Invariants:
- Every question of synth/questions.parquet is handed on, or ends in the accounting with the reason.
- A rationale of a question that was edited since is dropped, since it is one of another question.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from data_pipeline.decontamination import EvaluationIndex, decontaminate, items_of
from data_pipeline.decontamination.matches import ContaminationMatch
from data_pipeline.review import Applied, apply_review, queue_of
from data_pipeline.rows.accounting import RowAccounting
from data_pipeline.rows.row_origin import RowOrigin
from psyche_rl.records import Dialogue, Passage, Question, Rationale, RationaleRound
from psyche_rl.run_context import StageContext
from psyche_rl.store.by_key import by_key
from psyche_rl.store.stored_records import StoredRecords, one_field, where

QUESTIONS = "synth/questions.parquet"
STAGE, DIALOGUES = "select", "select.dialogues"
OfQuestion = TypeVar("OfQuestion", Rationale, RationaleRound)


@dataclass(frozen=True)
class SelectInputs:
    """Records that may be trained on, and those that lineage is checked against."""

    asked: Collection[Question]
    """As they stand in synth/questions.parquet."""
    questions: Collection[Question]
    rationales: Collection[Rationale]
    dialogues: Collection[Dialogue]
    passages: Collection[Passage]
    teacher_wrong: Collection[RationaleRound]


def select_inputs(context: StageContext, accounting: RowAccounting) -> SelectInputs:
    """Read, apply decisions, decontaminate; how what falls out ended is noted.

    Raises:
        DataError: an evaluation set is missing or holds no item.
    """
    store, review = context.store, context.config.review
    asked = StoredRecords(store, QUESTIONS, Question)
    rationales = StoredRecords(store, "synth/rationales.parquet", Rationale)
    all_talks = StoredRecords(store, "synth/dialogues.parquet", Dialogue)
    talks = all_talks.where(kind == "empathetic" for kind in all_talks.column("kind"))
    passages = StoredRecords(store, "synth/passages.parquet", Passage)
    wrong_at = "synth/teacher_wrong.parquet"
    wrong: Collection[RationaleRound] = (
        StoredRecords(store, wrong_at, RationaleRound) if store.exists(wrong_at) else []
    )
    accounting.expect(STAGE, asked.column("id"))
    accounting.expect(DIALOGUES, talks.column("id"))

    queue = queue_of(store)
    questions = apply_review(store, asked, queue, review, by_key(passages))
    dialogues = apply_review(store, talks, queue, review)
    enter(accounting, STAGE, asked, questions.out)
    enter(accounting, DIALOGUES, talks, dialogues.out)
    edited = _changed(questions, asked)

    found = SelectInputs(
        asked=asked,
        questions=questions.kept,
        rationales=_of_others(rationales, edited),
        dialogues=dialogues.kept,
        passages=passages,
        teacher_wrong=_of_others(wrong, edited),
    )
    return _decontaminated(context, found, accounting) if context.config.decontaminate.enabled else found


def _changed(applied: Applied[Question], asked: Collection[Question]) -> set[str]:
    """Ids of the questions that an edit made into others."""
    if not applied.edited:
        return set()
    edited, before = set(applied.edited), by_key(asked)
    return {q.id for q in applied.kept if q.id in edited and before[q.id] != q}


def _of_others(records: Collection[OfQuestion], edited: set[str]) -> Collection[OfQuestion]:
    """Those that belong to other questions."""
    return where(records, (of not in edited for of in one_field(records, "question_id")))


def enter(
    accounting: RowAccounting,
    stage: str,
    records: Collection[Question] | Collection[Dialogue],
    out: Mapping[str, tuple[str, str]],
) -> None:
    """How the records that fall out ended; ``out`` is by id, which filter, and why."""
    if not out:
        return
    accounting.note(RowOrigin(stage, r.id, r.source).filtered(*out[r.id]) for r in records if r.id in out)


def held_out(context: StageContext) -> list[Question]:
    """All questions that the run may evaluate on, dev and test, short answers and those whose key is in doubt
    among them."""
    if context.config.data.questions:
        from data_pipeline.ingest.exam_questions import read_exam

        exam = read_exam(context.config.data.questions, context.config.data.follow_links)
        return [*exam.questions, *exam.doubtful]
    exams = ("world/exam_dev.parquet", "world/exam_test.parquet")
    return [
        q for rel in exams if context.store.exists(rel) for q in context.store.read_records(rel, Question)
    ]


def _decontaminated(context: StageContext, found: SelectInputs, accounting: RowAccounting) -> SelectInputs:
    """Without records that hold an item of an evaluation set; what matched is written and listed."""
    config, store = context.config.decontaminate, context.store
    items, unread = items_of(config, held_out(context))
    if unread:
        context.events.say("select: rows of evaluation sets that cannot be read", rows=len(unread))
    index = EvaluationIndex(items, config)
    clean = decontaminate(found.questions, found.rationales, found.dialogues, index)
    store.write_records("select/contamination.parquet", ContaminationMatch, clean.matches)
    store.write_json("select/contamination.json", clean.report)
    why = {
        m.record_id: ("contaminated", f"{m.rule} match with {m.evaluation_set}, {m.place}")
        for m in reversed(clean.matches)
    }
    enter(accounting, STAGE, found.questions, why)
    enter(accounting, DIALOGUES, found.dialogues, why)
    return replace(found, questions=clean.questions, rationales=clean.rationales, dialogues=clean.dialogues)
