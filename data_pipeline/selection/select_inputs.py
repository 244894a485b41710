"""What selection works on: the records of synthesis as review leaves them, without evaluation items.

Collaborators: ``data_pipeline.review`` (decisions taken so far), ``data_pipeline.decontamination``; the
select stage.
Invariants:
- Every question of synth/questions.parquet is handed on, or ends in the accounting with the reason.
- A rationale of a question that was edited since is dropped, since it is one of another question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from data_pipeline.decontamination import EvaluationIndex, decontaminate, items_of
from data_pipeline.decontamination.matches import ContaminationMatch
from data_pipeline.review import apply_review, read_queue
from data_pipeline.rows.accounting import RowAccounting
from data_pipeline.rows.row_origin import RowOrigin
from psyche_rl.records import Dialogue, Passage, Question, Rationale, RationaleRound
from psyche_rl.run_context import StageContext

QUESTIONS = "synth/questions.parquet"
STAGE, DIALOGUES = "select", "select.dialogues"


@dataclass(frozen=True)
class SelectInputs:
    """Records that may be trained on, and those that lineage is checked against."""

    asked: tuple[Question, ...]
    """As they stand in synth/questions.parquet."""
    questions: tuple[Question, ...]
    rationales: tuple[Rationale, ...]
    dialogues: tuple[Dialogue, ...]
    passages: tuple[Passage, ...]
    teacher_wrong: tuple[RationaleRound, ...]


def select_inputs(context: StageContext, accounting: RowAccounting) -> SelectInputs:
    """Read, apply decisions, decontaminate; how what falls out ended is noted.

    Raises:
        DataError: an evaluation set is missing or holds no item.
    """
    store, review = context.store, context.config.review
    asked = store.read_records(QUESTIONS, Question)
    rationales = store.read_records("synth/rationales.parquet", Rationale)
    talks = [d for d in store.read_records("synth/dialogues.parquet", Dialogue) if d.kind == "empathetic"]
    passages = store.read_records("synth/passages.parquet", Passage)
    wrong_at = "synth/teacher_wrong.parquet"
    wrong = store.read_records(wrong_at, RationaleRound) if store.exists(wrong_at) else []
    accounting.expect(STAGE, (q.id for q in asked))
    accounting.expect(DIALOGUES, (d.id for d in talks))

    queue, by_id = read_queue(store), {p.id: p for p in passages}
    questions = apply_review(store, asked, queue, review, by_id)
    dialogues = apply_review(store, talks, queue, review)
    enter(accounting, STAGE, asked, questions.out)
    enter(accounting, DIALOGUES, talks, dialogues.out)
    before = {q.id: q for q in asked}
    edited = {q.id for q in questions.kept if before.get(q.id) != q}
    rationales = [r for r in rationales if r.question_id not in edited]

    found = SelectInputs(
        asked=tuple(asked),
        questions=tuple(questions.kept),
        rationales=tuple(rationales),
        dialogues=tuple(dialogues.kept),
        passages=tuple(passages),
        teacher_wrong=tuple(t for t in wrong if t.question_id not in edited),
    )
    return _decontaminated(context, found, accounting) if context.config.decontaminate.enabled else found


def enter(
    accounting: RowAccounting,
    stage: str,
    records: Sequence[Question] | Sequence[Dialogue],
    out: Mapping[str, tuple[str, str]],
) -> None:
    """How the records that fall out ended; ``out`` is by id, which filter, and why."""
    accounting.note(RowOrigin(stage, r.id, r.source).filtered(*out[r.id]) for r in records if r.id in out)


def held_out(context: StageContext) -> list[Question]:
    """All questions that the run evaluates on, dev and test, short answers among them."""
    if context.config.data.questions:
        from data_pipeline.ingest import ingest_questions

        return ingest_questions(context.config.data.questions, context.config.data.follow_links)[0]
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
    return SelectInputs(
        asked=found.asked,
        questions=clean.questions,
        rationales=clean.rationales,
        dialogues=clean.dialogues,
        passages=found.passages,
        teacher_wrong=found.teacher_wrong,
    )
