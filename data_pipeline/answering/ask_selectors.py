"""Having the missing batches answered: on engines side by side, at endpoints one after another.

Collaborators: ``engine_job``, ``endpoint_job``; ``judge`` says what is missing.
Invariants:
- Ray is not touched where nothing is missing.
- As many selectors share the cluster as it serves well.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

from actors.cluster import connect
from data_pipeline.answering.endpoint_job import answer_remotely, endpoint
from data_pipeline.answering.judge import Missing
from data_pipeline.answering.selector import QuestionBatch, Selector
from psyche_rl.llm import probe
from psyche_rl.run_context import StageContext


def ask_selectors(context: StageContext, missing: Missing) -> None:
    """Leaves the verdicts of all missing batches in the run store.

    Raises:
        ModelError: a selector cannot be served.
        TeacherError: a remote selector cannot be used.
    """
    _ask_engines(context, [(s, batches) for s, batches in missing if not s.is_remote])
    _ask_endpoints(context, [(s, batches) for s, batches in missing if s.is_remote])


def _ask_engines(context: StageContext, missing: Missing) -> None:
    if not missing:
        return
    import ray

    from data_pipeline.answering.engine_job import answer_missing

    connect()
    resources: dict[str, float] = ray.cluster_resources()
    gpus, config = int(resources.get("GPU", 0)), context.config
    per_selector = config.select.engines_per_selector * config.select.engine.tensor_parallel_size
    # On CPU one engine more than cores: starting an engine waits on the disk, generating does not.
    at_once = max(1, gpus // per_selector if gpus else int(resources.get("CPU", 1)) + 1)

    event_lock = threading.Lock()  # events are written by one thread at a time

    def say(message: str, **figures: object) -> None:
        with event_lock:
            context.events.say(message, **figures)

    def work(item: tuple[Selector, list[QuestionBatch]]) -> None:
        selector, batches = item
        done, total = 0, sum(len(b.questions) for b in batches)
        say("select: begins", selector=selector.label, questions=total)
        for count in answer_missing(selector, batches, context.store, on_gpu=gpus > 0):
            context.begin()
            done += count
            say("select: answered", selector=selector.label, questions=done, of=total)

    with ThreadPoolExecutor(at_once) as pool:
        for _ in pool.map(work, missing):
            pass


def _ask_endpoints(context: StageContext, missing: Missing) -> None:
    """One after another: each has the client, and its cache, alone."""
    if not missing:
        return
    from actors.llm.client import start_llm

    connect()
    for selector, batches in missing:
        calls = endpoint(selector, context.config.teacher)
        asyncio.run(probe(calls))
        llm = start_llm(calls, context.store.url, stage="select")
        done, total = 0, sum(len(b.questions) for b in batches)
        context.events.say("select: begins", selector=selector.label, questions=total)
        try:
            for count in answer_remotely(selector, batches, context.store, llm):
                context.begin()
                done += count
                context.events.say("select: answered", selector=selector.label, questions=done, of=total)
        finally:
            llm.close()
