"""Stage select: several LLMs answer every question; hard ones go to GRPO, the rest to SFT.

Reads synth/{questions,rationales,dialogues}.parquet; writes select/grpo.parquet, select/sft.parquet,
select/verdicts.parquet, select/label_audit.parquet, select/quarantine.parquet, select/selection.json, and
select/verdicts/<selector>/<batch>.parquet as each batch is done (which is what a cut-off run goes on from).
Rules: ``data_pipeline.selection``; engines: ``data_pipeline.selector_job``.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa

from data_pipeline import selection
from data_pipeline.selector_job import Batch, Selector, answer_missing, batches
from launch.context import Counts, StageContext
from psyche_rl.errors import ConfigError
from psyche_rl.model_folder import model_folder
from psyche_rl.records import Dialogue, Quarantined, Question, Rationale, SftExample, Verdict

QUESTIONS = "synth/questions.parquet"


def run(context: StageContext) -> Counts:
    """Select; returns the counts of all sets.

    Raises:
        ConfigError: there is no selector.
        ModelError: a selector cannot be served.
    """
    config, store = context.config, context.store
    questions = store.read_records(QUESTIONS, Question)
    reused, verdicts, unread = 0, list[Verdict](), list[Quarantined]()
    if config.select.skip:
        hard = selection.random_ids(questions, config.select.random_grpo_share, config.seed)
    else:
        verdicts, unread, reused = _judge(context, questions)
        hard = selection.hard_ids(questions, selection.by_question(verdicts), config.select.rule)
    return _write(context, questions, hard, verdicts, unread) | {"batches_reused": reused}


def selectors(context: StageContext) -> list[Selector]:
    """The configured selectors, or the mini world's; labels are unique.

    Raises:
        ConfigError: none is given and the mini world has none.
    """
    config, store = context.config, context.store
    names = list(config.select.selectors)
    if not names and config.mini is not None:
        names = [str(store.fetch_dir(rel, context.scratch)) for rel in store.glob("world/selectors/*")]
    if not names:
        raise ConfigError("select.selectors is empty: name at least one model, or set select.skip=true")
    labels = [Path(name).name for name in names]
    return [
        Selector(
            label=label if labels.count(label) == 1 else f"{i}-{label}",
            model_dir=name,
            settings=config.select,
            prompt=config.prompt,
            engine=config.engine,
            seed=config.seed,
        )
        for i, (label, name) in enumerate(zip(labels, names, strict=True))
    ]


def _judge(
    context: StageContext, questions: Sequence[Question]
) -> tuple[list[Verdict], list[Quarantined], int]:
    store = context.store
    asked = selectors(context)
    for selector in asked:
        model_folder(selector.model_dir)  # a wrong name should be told before any engine starts
    planned = [(s, batches(s, questions)) for s in asked]
    todo = [(s, [b for b in bs if not store.exists(b.rel)]) for s, bs in planned]
    reused = sum(len(bs) for _, bs in planned) - sum(len(bs) for _, bs in todo)
    if reused:
        context.events.say("select: finished batches are taken as they are", batches=reused)
    _answer(context, [(s, bs) for s, bs in todo if bs])
    verdicts = [v for _, bs in planned for b in bs for v in store.read_records(b.rel, Verdict)]
    given = {(v.selector, v.question_id) for v in verdicts}
    unread = [
        _too_long(row, question, selector)
        for row, question in enumerate(questions)
        for selector in asked
        if selection.can_be_judged(question) and (selector.label, question.id) not in given
    ]
    left_out = {row.row for row in unread}
    kept = {q.id for row, q in enumerate(questions) if row not in left_out}
    return [v for v in verdicts if v.question_id in kept], unread, reused


def _answer(context: StageContext, todo: list[tuple[Selector, list[Batch]]]) -> None:
    """All selectors with missing batches, as many side by side as the machine serves well."""
    if not todo:
        return
    import ray

    from actors.cluster import connect

    connect()
    resources = ray.cluster_resources()
    gpus, config = int(resources.get("GPU", 0)), context.config
    per_selector = config.select.engines_per_selector * config.engine.tensor_parallel_size
    # On CPU one engine more than cores: starting an engine waits on the disk, generating does not.
    at_once = max(1, gpus // per_selector if gpus else int(resources.get("CPU", 1)) + 1)

    voice = threading.Lock()  # events are written by one thread at a time

    def say(message: str, **figures: object) -> None:
        with voice:
            context.events.say(message, **figures)

    def work(item: tuple[Selector, list[Batch]]) -> None:
        selector, missing = item
        done, total = 0, sum(len(b.questions) for b in missing)
        say("select: begins", selector=selector.label, questions=total)
        for count in answer_missing(selector, missing, context.store, on_gpu=gpus > 0):
            done += count
            say("select: answered", selector=selector.label, questions=done, of=total)

    with ThreadPoolExecutor(at_once) as pool:
        for _ in pool.map(work, todo):
            pass


def _write(
    context: StageContext,
    questions: Sequence[Question],
    hard: set[str],
    verdicts: list[Verdict],
    unread: list[Quarantined],
) -> Counts:
    store, config = context.store, context.config
    left_out = {row.row for row in unread}
    given = [q for row, q in enumerate(questions) if row not in left_out]
    grouped = selection.by_question(verdicts)
    suspects = selection.suspects(given, grouped)
    removed = set(suspects) if config.select.audit_removes else set()
    grpo = [q for q in given if q.id in hard and q.id not in removed]
    rest = [q for q in given if q.id not in hard]
    sft = selection.sft_examples(
        rest,
        store.read_records("synth/rationales.parquet", Rationale),
        store.read_records("synth/dialogues.parquet", Dialogue),
        config.prompt,
    )
    dialogues = sum(e.kind == "empathy" for e in sft)
    counts: Counts = {
        "questions": len(questions),
        "grpo": len(grpo),
        "sft": len(sft),
        "dialogues": dialogues,
        "without_rationale": len(rest) - (len(sft) - dialogues),
        "audit": len(suspects),
        "quarantined": len(left_out),
    }
    store.write_records("select/grpo.parquet", Question, grpo)
    store.write_records("select/sft.parquet", SftExample, sft)
    store.write_records("select/verdicts.parquet", Verdict, verdicts)
    store.write_records("select/quarantine.parquet", Quarantined, unread)
    store.write_table("select/label_audit.parquet", _audit_table(given, suspects))
    store.write_json(
        "select/selection.json",
        {
            "counts": counts,
            "pass_rate_histogram": selection.pass_rate_histogram(given, grouped),
            "selectors": selection.selector_accuracy(given, grouped),
            "audit": len(suspects),
            "skipped": config.select.skip,
        },
    )
    return counts


def _audit_table(questions: Sequence[Question], suspects: dict[str, str]) -> pa.Table:
    rows = [
        {"question_id": q.id, "kind": q.kind, "stem": q.stem, "gold": q.gold, "agreed": suspects[q.id]}
        for q in questions
        if q.id in suspects
    ]
    names = ("question_id", "kind", "stem", "gold", "agreed")
    return pa.Table.from_pylist(rows, schema=pa.schema([(name, pa.string()) for name in names]))


def _too_long(row: int, question: Question, selector: Selector) -> Quarantined:
    return Quarantined(
        stage="select",
        source=QUESTIONS,
        row=row,
        reason=f"prompt and {selector.settings.max_tokens} reply tokens exceed {selector.label}'s context",
        content=question.stem,
    )
