"""Having the missing batches answered: on engines side by side, at endpoints one after another.

Collaborators: ``engine_job``, ``endpoint_job``; ``judge`` says what is missing.
Invariants:
- Ray is not touched where nothing is missing.
- The selectors share the places of the plan.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING

from actors.cluster import connect
from data_pipeline.answering.endpoint_job import answer_remotely, endpoint
from data_pipeline.answering.judge import Missing
from data_pipeline.answering.selector import Selector
from psyche_rl.errors import ConfigError
from psyche_rl.llm import probe
from psyche_rl.progress import awaiting
from psyche_rl.run_context import StageContext
from rewards.blocking import run_blocking

if TYPE_CHECKING:
    from actors.placement.reserve import Places

Placed = Callable[[], AbstractContextManager["Places"]]


def ask_selectors(context: StageContext, placed: Placed, missing: Missing) -> None:
    """Leaves the verdicts of all missing batches in the run store.

    Args:
        placed: reserves the places of the stage's engines, for as long as its context lasts.

    Raises:
        ModelError: a selector cannot be served.
        TeacherError: a remote selector cannot be used.
    """
    _ask_engines(context, placed, [(s, batches) for s, batches in missing if not s.is_remote])
    _ask_endpoints(context, [(s, batches) for s, batches in missing if s.is_remote])


def _ask_engines(context: StageContext, placed: Placed, missing: Missing) -> None:
    if not missing:
        return
    from data_pipeline.answering.engine_job import answer_missing

    totals = {s.label: sum(len(b.questions) for b in batches) for s, batches in missing}
    done = dict.fromkeys(totals, 0)
    one_at_a_time = threading.Lock()  # events are written by one thread at a time

    def told(selector: Selector, questions: int) -> None:
        with one_at_a_time:
            context.begin()
            done[selector.label] += questions
            figures = {"questions": done[selector.label], "of": totals[selector.label]}
            context.events.say("select: answered", selector=selector.label, **figures)

    with placed() as places:
        settled = places.config.select
        for label, total in totals.items():
            context.events.say("select: begins", selector=label, questions=total)
        asked = [(replace(s, engine=settled.engine), batches) for s, batches in missing]
        limit = settled.engines_per_selector
        if not isinstance(limit, int):
            raise ConfigError(f"select.engines_per_selector: the plan has made no number of {limit!r}")
        with awaiting(context.events, "select: engines and their answers"):
            answer_missing(asked, places.of("selector engine"), limit, context.store, told)


def _ask_endpoints(context: StageContext, missing: Missing) -> None:
    """One after another: each has the client, and its cache, alone."""
    if not missing:
        return
    from actors.llm.client import start_llm

    connect(context.config.cluster.pass_env)
    for selector, batches in missing:
        calls = endpoint(selector, context.config.teacher)
        run_blocking(probe(calls))
        llm = start_llm(calls, context.store.url, stage="select")
        done, total = 0, sum(len(b.questions) for b in batches)
        limits = {"call_s": calls.call_limit_s, "stage_s": llm.limit_stage(total * selector.settings.samples)}
        context.events.say("select: begins", selector=selector.label, questions=total, **limits)
        try:
            for count in answer_remotely(selector, batches, context.store, llm):
                context.begin()
                done += count
                context.events.say("select: answered", selector=selector.label, questions=done, of=total)
                for line in llm.notices():
                    context.events.say(f"select: {line}")
        finally:
            llm.close()
