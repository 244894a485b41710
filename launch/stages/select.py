"""Stage select: several LLMs answer every question; hard ones go to GRPO, the rest to SFT.

Reads synth/{questions,rationales,dialogues,passages,teacher_wrong}.parquet and the evaluation sets; writes
select/{grpo,sft,verdicts,verdict_table,label_audit,outcomes,contamination,quarantine}.parquet,
select/{selection,contamination}.json, review/queue/select.parquet, and
select/verdicts/<selector>/<batch>.parquet as each batch is done (which is what a cut-off run goes on from).
Rules: ``data_pipeline.selection.rules``; engines: ``data_pipeline.answering.engine_job``; endpoints:
``data_pipeline.answering.endpoint_job``; what goes in: ``select_inputs``; what comes out: ``select_sets``.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from data_pipeline.answering.endpoint_job import answer_remotely, endpoint
from data_pipeline.answering.engine_job import Batch, Selector, answer_missing, batches
from data_pipeline.rows.accounting import Ledger
from data_pipeline.selection import rules as selection
from data_pipeline.selection.inputs import select_inputs
from data_pipeline.selection.sets import TOO_LONG, write_sets
from psyche_rl.config.selection import is_remote
from psyche_rl.errors import ConfigError
from psyche_rl.llm import probe
from psyche_rl.model_folder import model_folder
from psyche_rl.records import Question, Verdict
from psyche_rl.run_context import Counts, StageContext


def run(context: StageContext) -> Counts:
    """Select; returns the counts of all sets.

    Raises:
        ConfigError: there is no selector.
        DataError: an evaluation set to decontaminate against is missing.
        ModelError: a selector cannot be served.
        TeacherError: a remote selector cannot be used.
    """
    config, ledger = context.config, Ledger()
    inputs = select_inputs(context, ledger)
    questions = inputs.questions
    reused, verdicts, unjudged = 0, list[Verdict](), dict[str, tuple[str, str]]()
    if config.select.skip:
        hard = selection.random_ids(questions, config.select.random_grpo_share, config.seed)
    else:
        verdicts, unjudged, reused = _judge(context, questions)
        given = [q for q in questions if q.id not in unjudged]
        grouped = selection.by_question(verdicts)
        hard = selection.hard_ids(given, grouped, config.select.rule, config.select.pass_rate)
    counts = write_sets(context, inputs, hard, verdicts, unjudged, ledger)
    return counts | {"batches_reused": reused}


def selectors(context: StageContext) -> list[Selector]:
    """The configured selectors, or the mini world's; labels are unique.

    Raises:
        ConfigError: none is given and the mini world has none.
    """
    config, store = context.config, context.store
    names = list(config.select.selectors)
    if not names and config.mini is not None:
        names = [f"{store.url}/{rel}" for rel in store.glob("world/selectors/*")]
    if not names:
        raise ConfigError("select.selectors is empty: name at least one model, or set select.skip=true")
    labels = [_label(name) for name in names]
    return [
        Selector(
            label=label if labels.count(label) == 1 else f"{i}-{label}",
            model_dir=name,
            settings=config.select,
            prompt=config.prompt,
            engine=config.select.engine,
            seed=config.seed,
        )
        for i, (label, name) in enumerate(zip(labels, names, strict=True))
    ]


def _label(name: str) -> str:
    """What a selector is called in records and paths: the last part of its model's name."""
    return Path(name.partition("#")[2] if is_remote(name) else name).name


def _judge(
    context: StageContext, questions: Sequence[Question]
) -> tuple[list[Verdict], dict[str, tuple[str, str]], int]:
    """Verdicts on the questions that every selector answered, why the others are not judged, and the number
    of batches that were there."""
    store = context.store
    asked = selectors(context)
    for selector in asked:
        if not selector.is_remote:
            model_folder(selector.model_dir)  # a wrong name should be told before any engine starts
    planned = [(s, batches(s, questions)) for s in asked]
    todo = [(s, [b for b in bs if not store.exists(b.rel)]) for s, bs in planned]
    reused = sum(len(bs) for _, bs in planned) - sum(len(bs) for _, bs in todo)
    if reused:
        context.events.say("select: finished batches are taken as they are", batches=reused)
    remote = [(s, bs) for s, bs in todo if bs and s.is_remote]
    _answer(context, [(s, bs) for s, bs in todo if bs and not s.is_remote])
    _answer_remote(context, remote)
    found = [
        v
        for _, bs in planned
        for b in bs
        for v in store.read_records(b.rel if store.exists(b.rel) else b.partial, Verdict)
    ]
    errors = {(v.selector, v.question_id): v.error for v in found if v.error}
    verdicts = [v for v in found if not v.error]
    given = {(v.selector, v.question_id) for v in verdicts}
    unjudged: dict[str, tuple[str, str]] = {}
    for question in questions:
        for selector in asked:
            pair = (selector.label, question.id)
            if selection.can_be_judged(question) and pair not in given:
                unjudged.setdefault(question.id, _unanswered(selector, errors.get(pair)))
    return [v for v in verdicts if v.question_id not in unjudged], unjudged, reused


def _unanswered(selector: Selector, error: str | None) -> tuple[str, str]:
    """How a question ends that a selector gave no answer to, and why."""
    if error is not None:
        return "failed", f"{selector.label} gave no answer: {error}"
    room = f"prompt and {selector.settings.max_tokens} reply tokens exceed {selector.label}'s context"
    return TOO_LONG, room


def _answer_remote(context: StageContext, todo: list[tuple[Selector, list[Batch]]]) -> None:
    """Remote selectors with missing batches, one after another: each has the client, and its cache, alone."""
    if not todo:
        return
    from actors.cluster import connect
    from actors.llm.client import start_llm

    connect()
    for selector, missing in todo:
        calls = endpoint(selector, context.config.teacher)
        asyncio.run(probe(calls))
        llm = start_llm(calls, context.store.url, stage="select")
        total = sum(len(b.questions) for b in missing)
        context.events.say("select: begins", selector=selector.label, questions=total)
        try:
            done = 0
            for count in answer_remotely(selector, missing, context.store, llm):
                done += count
                context.events.say("select: answered", selector=selector.label, questions=done, of=total)
        finally:
            llm.close()


def _answer(context: StageContext, todo: list[tuple[Selector, list[Batch]]]) -> None:
    """All selectors with missing batches, as many side by side as the machine serves well."""
    if not todo:
        return
    import ray

    from actors.cluster import connect

    connect()
    resources = ray.cluster_resources()
    gpus, config = int(resources.get("GPU", 0)), context.config
    per_selector = config.select.engines_per_selector * config.select.engine.tensor_parallel_size
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
