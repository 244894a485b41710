"""The judges of a benchmark run, one after another: endpoints, or engines of this cluster.

Collaborators: ``psyche_rl.bench.judging`` (what is asked, what becomes of it), the LLM client and its cache.
Invariants:
- No verdict is paid for twice: all calls go through a cache, the folder's own for endpoints.
- The judges' engines come after those of the model, and end before the next judge's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from launch.bench.answering import endpoint_client, in_our_words
from psyche_rl.bench.judge_figures import agreement_by_metric, judge_figures
from psyche_rl.bench.judge_prompt import judge_prompt
from psyche_rl.bench.judgement import ReplyJudgement
from psyche_rl.bench.judging import judgements, with_judgements
from psyche_rl.config.bench import BenchConfig
from psyche_rl.config.selection import is_remote
from psyche_rl.evaluation.benchmark import Benchmark
from psyche_rl.evaluation.item_result import ItemResult
from psyche_rl.events import Events
from psyche_rl.llm.structured import Door
from psyche_rl.store import RunStore

JUDGE_FOLDER = "judge"
"""Of the calls to engines that judge, in the folder of results."""


def judge_rows(
    benchmark: Benchmark, rows: Sequence[ItemResult], store: RunStore, config: BenchConfig
) -> tuple[list[ItemResult], dict[str, Any]]:
    """The rows with what all judges said, and the figures of it; ``judgements.parquet`` holds each verdict.

    Raises:
        TeacherError: a judge cannot be used.
        BudgetError: the budget is used up; what was judged is kept.
    """
    prompt_of = {part: judge_prompt(benchmark, part) for part in {row.part for row in rows}}.get
    said: list[ReplyJudgement] = []
    for judge in config.judge.models:
        with judge_door(judge, store, config) as door:
            said += judgements(rows, prompt_of, judge, door)
    store.write_records(f"{benchmark.name}/judgements.parquet", ReplyJudgement, said)
    by_judge = {
        judge: with_judgements(rows, prompt_of, [each for each in said if each.judge == judge])
        for judge in config.judge.models
    }
    agreement = agreement_by_metric(by_judge)
    return with_judgements(rows, prompt_of, said), judge_figures(said) | {"agreement": agreement}


@contextmanager
def judge_door(judge: str, store: RunStore, config: BenchConfig) -> Iterator[Door]:
    """A door to one judge, greedy."""
    if is_remote(judge):
        calls = config.calls.to(judge, config.judge.api_key_env, 0.0, config.judge.max_tokens)
        with in_our_words(), endpoint_client(calls, store) as client:
            yield client
        return
    with ExitStack() as stack, in_our_words():
        yield _engine_door(judge, store, config, stack.enter_context, stack.callback)


def _engine_door(
    judge: str,
    store: RunStore,
    config: BenchConfig,
    enter: Callable[[Any], Any],
    at_end: Callable[[Callable[[], None]], Any],
) -> Door:
    from actors.llm.client import start_llm
    from launch.bench.bench_engines import ROLE, engine_context
    from launch.stages.placed import placed

    # Of its own, since the folder's other cache belongs to this process, and not to an actor.
    judged = RunStore(f"{store.url}/{JUDGE_FOLDER}")
    judged.make_folder()
    places = enter(placed(engine_context(judge, judged, Events(judged), config), "eval"))
    sits = places.of(ROLE)
    calls = config.calls.to_engines(judge, places.config.eval.engine, len(sits), config.judge.max_tokens)
    llm = start_llm(calls, judged.url, stage="bench", places=sits)
    at_end(llm.close)
    return llm
