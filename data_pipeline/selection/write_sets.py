"""The sets that selection makes of questions and verdicts, and everything it writes about them.

Collaborators: ``hardness``, ``sft_examples``, ``label_audit``, ``training_sets`` (checks),
``data_pipeline.review`` (doubtful keys are put before a person). Invariant: nothing is written before the
sets are checked; every question ends in the step ``select`` once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Container, Mapping, Sequence
from itertools import chain

from data_pipeline.answering.judge import Judgement
from data_pipeline.answering.verdict import TOO_LONG, Verdicts
from data_pipeline.review import Evidence, Flag, apply_review, await_review, queued, write_queue
from data_pipeline.rows.accounting import RowAccounting
from data_pipeline.rows.outcome_counts import flat_counts
from data_pipeline.rows.row_origin import RowOrigin
from data_pipeline.selection.label_audit import LabelDoubt, label_doubts
from data_pipeline.selection.pass_rates import pass_rate_histogram, selector_accuracy
from data_pipeline.selection.select_inputs import DIALOGUES, QUESTIONS, STAGE, SelectInputs, enter
from data_pipeline.selection.sft_examples import sft_examples
from data_pipeline.selection.training_sets import VERDICT_TABLE, check_sets, verdict_tables
from psyche_rl.llm import CallFailure
from psyche_rl.records import Quarantined, Question, RowOutcome, SftExample, Verdict
from psyche_rl.run_context import Counts, StageContext
from psyche_rl.store.by_key import by_key
from psyche_rl.store.digests import DigestSet
from psyche_rl.store.record_file import TableFile, written
from psyche_rl.store.stored_records import one_field, where

WORK = "select/work"
"""What is not checked yet; gone when the stage is done."""


def write_sets(
    context: StageContext, inputs: SelectInputs, hard: set[str], found: Judgement, accounting: RowAccounting
) -> Counts:
    """Both sets, the label audit, the verdicts; returns the counts.

    Args:
        hard: ids of the questions for GRPO.
        found: what the selectors say; questions that one did not answer are in no set.

    Raises:
        RunFolderError: the sets overlap, or a record leads back to nothing.
        ReviewPending: the run is to wait for decisions, and some are missing.
    """
    store, config = context.store, context.config
    given = without(inputs.questions, found.unjudged)
    doubts = label_doubts(given, found.book, inputs.teacher_wrong, hard)
    out = _reviewed(context, inputs, given, found.book, doubts)
    if config.select.audit_removes:
        removed = {d.question_id: d.note for d in doubts if d.agreed is not None and d.hard}
        out = {id_: ("label_audit", note) for id_, note in removed.items()} | out
    enter(accounting, STAGE, given, out)
    given = without(given, out)

    grpo = where(given, (id_ in hard for id_ in one_field(given, "id")))
    rest = without(given, hard)
    examples = sft_examples(rest, inputs.rationales, inputs.dialogues, config.prompt)
    sft = written(store, f"{WORK}/sft.parquet", SftExample, examples)
    check_sets(grpo, sft, given, inputs.dialogues, inputs.passages)

    unread = _enter_endings(inputs, found.unjudged, grpo, rest, sft, accounting)
    kinds = Counter(sft.column("kind"))
    of_questions = (
        id_ for id_, kind in zip(sft.column("id"), sft.column("kind"), strict=True) if kind == "reasoning"
    )
    talks = (id_ for id_, kind in zip(sft.column("id"), sft.column("kind"), strict=True) if kind == "empathy")
    accounting.balance(STAGE, given=chain(one_field(grpo, "id"), of_questions))
    accounting.balance(DIALOGUES, given=talks)
    counts: Counts = {
        "questions": len(inputs.asked),
        "grpo": len(grpo),
        "sft": len(sft),
        "dialogues": kinds["empathy"],
        "without_rationale": len(rest) - kinds["reasoning"],
        "audit": sum(d.agreed is not None for d in doubts),
        "teacher_wrong": sum("teacher_wrong" in d.reasons for d in doubts),
        "quarantined": len(unread),
        **flat_counts(accounting.all_counts()),
    }
    sets = {"grpo": DigestSet(one_field(grpo, "id")), "sft": DigestSet(sft.column("source_id"))}
    written(store, "select/grpo.parquet", Question, grpo)
    written(store, "select/sft.parquet", SftExample, sft)
    written(store, "select/verdicts.parquet", Verdict, found.verdicts)
    with TableFile(store, "select/verdict_table.parquet", VERDICT_TABLE) as file:
        for table in verdict_tables(inputs.questions, found.book, sets):
            file.write_table(table)
    store.write_records("select/quarantine.parquet", Quarantined, unread)
    store.write_records("select/label_audit.parquet", LabelDoubt, doubts)
    written(store, "select/outcomes.parquet", RowOutcome, accounting.outcomes())
    store.write_json(
        "select/selection.json",
        {
            "counts": counts,
            "pass_rate_histogram": pass_rate_histogram(given, found.book),
            "selectors": selector_accuracy(given, found.book),
            "audit": counts["audit"],
            "skipped": config.select.skip,
            "outcomes": {stage: ended.as_dict() for stage, ended in accounting.all_counts().items()},
        },
    )
    store.remove(WORK)
    return counts


def without(questions: Collection[Question], ids: Container[str]) -> Collection[Question]:
    """The questions with other ids."""
    return where(questions, (id_ not in ids for id_ in one_field(questions, "id")))


def _reviewed(
    context: StageContext,
    inputs: SelectInputs,
    given: Collection[Question],
    book: Verdicts,
    doubts: Sequence[LabelDoubt],
) -> dict[str, tuple[str, str]]:
    """Put doubtful keys before a person; the questions that decisions, or the lack of one, keep out."""
    store, review = context.store, context.config.review
    flags = [
        Flag(d.question_id, "label_audit" if reason == "selectors_agree" else "teacher_wrong", d.note)
        for d in doubts
        for reason in d.reasons
    ]
    evidence = Evidence(
        passages=by_key(inputs.passages),
        rationales=by_key(inputs.rationales, "question_id"),
        verdicts=book,
    )
    found = queued(given, flags=flags, seed=context.config.seed, rate=0.0, evidence=evidence)
    items = write_queue(store, "select", found)
    await_review(store, items, review)
    return dict(apply_review(store, given, items, review, evidence.passages).out)


def _enter_endings(
    inputs: SelectInputs,
    unjudged: Mapping[str, tuple[str, str]],
    grpo: Collection[Question],
    rest: Collection[Question],
    sft: Collection[SftExample],
    accounting: RowAccounting,
) -> list[Quarantined]:
    """How the questions ended that have not ended yet; those that a selector did not answer are also
    set aside with their place."""
    used = by_key(sft, "source_id")
    reasoned = DigestSet(one_field(inputs.rationales, "question_id"))
    place = {id_: at for at, id_ in enumerate(one_field(inputs.asked, "id")) if id_ in unjudged}
    unread = []
    for question in inputs.questions if unjudged else ():
        if question.id in unjudged:
            how, why = unjudged[question.id]
            row = RowOrigin(STAGE, question.id, question.source)
            ended = row.filtered(how, why) if how == TOO_LONG else row.failed(CallFailure("selector", why))
            accounting.note([ended])
            unread.append(
                Quarantined(
                    stage="select",
                    source=QUESTIONS,
                    row=place[question.id],
                    reason=why,
                    content=question.stem,
                )
            )
    accounting.note(RowOrigin(STAGE, q.id, q.source).ok(q.id) for q in grpo)
    for question in rest:
        row = RowOrigin(STAGE, question.id, question.source)
        if question.id in used:
            accounting.note([row.ok(used[question.id].id)])
        elif question.id not in reasoned:
            accounting.note(
                [row.filtered("no_rationale", "it is not hard, and there is no rationale to imitate")]
            )
    accounting.note(
        RowOrigin(DIALOGUES, d.id, d.source).ok(used[d.id].id) for d in inputs.dialogues if d.id in used
    )
    return unread
