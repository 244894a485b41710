"""The queue of a run whose stages left none: made from what they wrote.

Reads synth/{questions,passages,rationales,dialogues,quarantine}.parquet and, where there is one,
select/{label_audit,verdicts}.parquet. Questions without a rationale had a teacher that disagreed with the key
at round 0, unless the call itself failed.
"""

from __future__ import annotations

from typing import TypeVar

from data_pipeline.answering.verdict import by_question
from data_pipeline.review.queue import Evidence, Flag, queue_items
from psyche_rl.errors import RunFolderError
from psyche_rl.records import (
    Dialogue,
    Passage,
    Quarantined,
    Question,
    Rationale,
    Record,
    ReviewItem,
    Verdict,
)
from psyche_rl.store import RunStore

R = TypeVar("R", bound=Record)
QUESTIONS = "synth/questions.parquet"
AUDIT = "select/label_audit.parquet"


def items_of_run(store: RunStore, seed: int, rate: float) -> list[ReviewItem]:
    """Label audit, questions that the teacher got wrong, and the sampled share.

    Raises:
        RunFolderError: the run has no questions yet.
    """
    if not store.exists(QUESTIONS):
        raise RunFolderError(
            f"{store.url}: nothing to review ({QUESTIONS} is missing); run the synth stage first"
        )
    questions = store.read_records(QUESTIONS, Question)
    rationales = {r.question_id: r for r in _read(store, "synth/rationales.parquet", Rationale)}
    failed = {q.content for q in _read(store, "synth/quarantine.parquet", Quarantined)}
    flags = [
        Flag(
            row["question_id"], "label_audit", f"selectors agree on {row['agreed']}, the key is {row['gold']}"
        )
        for row in (store.read_table(AUDIT).to_pylist() if store.exists(AUDIT) else ())
    ]
    if rationales:
        flags += [
            Flag(q.id, "teacher_wrong", "the teacher's first answer is not the key")
            for q in questions
            if q.id not in rationales and q.id not in failed
        ]
    evidence = Evidence(
        passages={p.id: p for p in _read(store, "synth/passages.parquet", Passage)},
        rationales=rationales,
        verdicts=by_question(_read(store, "select/verdicts.parquet", Verdict)),
    )
    dialogues = _read(store, "synth/dialogues.parquet", Dialogue)
    return queue_items(questions, dialogues, flags=flags, seed=seed, rate=rate, evidence=evidence)


def _read(store: RunStore, rel: str, kind: type[R]) -> list[R]:
    return store.read_records(rel, kind) if store.exists(rel) else []
