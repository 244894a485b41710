"""The sets that selection makes of questions and verdicts, and everything it writes about them.

Collaborators: ``hardness``, ``sft_examples``, ``label_audit``, ``training_sets`` (checks),
``data_pipeline.review`` (doubtful keys are put before a person). Invariant: nothing is written before the
sets are checked; every question ends in the step ``select`` once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from data_pipeline.answering.verdict import TOO_LONG, Verdicts, by_question
from data_pipeline.review import Evidence, Flag, apply_review, await_review, queue_items, write_queue
from data_pipeline.rows.accounting import RowAccounting
from data_pipeline.rows.outcome_counts import flat_counts
from data_pipeline.rows.row_origin import RowOrigin
from data_pipeline.selection.label_audit import LabelDoubt, label_doubts
from data_pipeline.selection.pass_rates import pass_rate_histogram, selector_accuracy
from data_pipeline.selection.select_inputs import DIALOGUES, QUESTIONS, STAGE, SelectInputs, enter
from data_pipeline.selection.sft_examples import sft_examples
from data_pipeline.selection.training_sets import check_sets, verdict_table
from psyche_rl.llm import CallFailure
from psyche_rl.records import Quarantined, Question, RowOutcome, SftExample, Verdict
from psyche_rl.run_context import Counts, StageContext


def write_sets(
    context: StageContext,
    inputs: SelectInputs,
    hard: set[str],
    verdicts: Sequence[Verdict],
    unjudged: Mapping[str, tuple[str, str]],
    accounting: RowAccounting,
) -> Counts:
    """Both sets, the label audit, the verdicts; returns the counts.

    Args:
        hard: ids of the questions for GRPO.
        unjudged: id -> (``too_long`` or ``failed``, why) of questions that a selector did not answer.

    Raises:
        RunFolderError: the sets overlap, or a record leads back to nothing.
        ReviewPending: the run is to wait for decisions, and some are missing.
    """
    store, config = context.store, context.config
    given = [q for q in inputs.questions if q.id not in unjudged]
    grouped = by_question(verdicts)
    doubts = label_doubts(given, grouped, inputs.teacher_wrong, hard)
    out = _reviewed(context, inputs, given, grouped, doubts)
    if config.select.audit_removes:
        removed = {d.question_id: d.note for d in doubts if d.agreed is not None and d.hard}
        out = {id_: ("label_audit", note) for id_, note in removed.items()} | out
    enter(accounting, STAGE, given, out)
    given = [q for q in given if q.id not in out]

    grpo = [q for q in given if q.id in hard]
    rest = [q for q in given if q.id not in hard]
    sft = sft_examples(rest, inputs.rationales, inputs.dialogues, config.prompt)
    check_sets(grpo, sft, given, inputs.dialogues, inputs.passages)

    unread = _enter_endings(inputs, unjudged, grpo, rest, sft, accounting)
    talks = [e.id for e in sft if e.kind == "empathy"]
    accounting.balance(STAGE, given=[*(q.id for q in grpo), *(e.id for e in sft if e.kind == "reasoning")])
    accounting.balance(DIALOGUES, given=talks)
    dialogues = len(talks)
    counts: Counts = {
        "questions": len(inputs.asked),
        "grpo": len(grpo),
        "sft": len(sft),
        "dialogues": dialogues,
        "without_rationale": len(rest) - (len(sft) - dialogues),
        "audit": sum(d.agreed is not None for d in doubts),
        "teacher_wrong": sum("teacher_wrong" in d.reasons for d in doubts),
        "quarantined": len(unread),
        **flat_counts(accounting.all_counts()),
    }
    sets = {"grpo": {q.id for q in grpo}, "sft": {e.source_id for e in sft}}
    store.write_records("select/grpo.parquet", Question, grpo)
    store.write_records("select/sft.parquet", SftExample, sft)
    store.write_records("select/verdicts.parquet", Verdict, verdicts)
    store.write_table("select/verdict_table.parquet", verdict_table(inputs.questions, grouped, sets))
    store.write_records("select/quarantine.parquet", Quarantined, unread)
    store.write_records("select/label_audit.parquet", LabelDoubt, doubts)
    store.write_records("select/outcomes.parquet", RowOutcome, accounting.outcomes())
    store.write_json(
        "select/selection.json",
        {
            "counts": counts,
            "pass_rate_histogram": pass_rate_histogram(given, grouped),
            "selectors": selector_accuracy(given, grouped),
            "audit": counts["audit"],
            "skipped": config.select.skip,
            "outcomes": {stage: found.as_dict() for stage, found in accounting.all_counts().items()},
        },
    )
    return counts


def _reviewed(
    context: StageContext,
    inputs: SelectInputs,
    given: Sequence[Question],
    grouped: Verdicts,
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
        passages={p.id: p for p in inputs.passages},
        rationales={r.question_id: r for r in inputs.rationales},
        verdicts=grouped,
    )
    items = queue_items(given, flags=flags, seed=context.config.seed, rate=0.0, evidence=evidence)
    write_queue(store, "select", items)
    await_review(store, items, review)
    return dict(apply_review(store, given, items, review, evidence.passages).out)


def _enter_endings(
    inputs: SelectInputs,
    unjudged: Mapping[str, tuple[str, str]],
    grpo: Sequence[Question],
    rest: Sequence[Question],
    sft: Sequence[SftExample],
    accounting: RowAccounting,
) -> list[Quarantined]:
    """How the questions ended that have not ended yet; those that a selector did not answer are also
    set aside with their place."""
    used = {e.source_id: e.id for e in sft}
    reasoned = {r.question_id for r in inputs.rationales}
    place = {q.id: row for row, q in enumerate(inputs.asked)}
    unread = []
    for question in inputs.questions:
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
            accounting.note([row.ok(used[question.id])])
        elif question.id not in reasoned:
            accounting.note(
                [row.filtered("no_rationale", "it is not hard, and there is no rationale to imitate")]
            )
    accounting.note(
        RowOrigin(DIALOGUES, d.id, d.source).ok(used[d.id]) for d in inputs.dialogues if d.id in used
    )
    return unread
