"""A benchmark run: ask what is not answered yet, score, have it judged, sum up.

Role: the story of ``psyche-rl bench run``. Collaborators: ``answering`` and ``bench_engines`` (who answers),
``psyche_rl.bench`` (asks, journal, judging), ``evaluation.benchmark_figures``.
Invariants:
- No model is started or called where every reply is there.
- Every reply is on the disk before it counts as done; a run that was killed asks the rest.
- A failed item is a row with its error, is counted, and is asked again by the next run.
- The rows are written before judges are asked, so that nothing is lost by a judge.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from data_pipeline.benchmarks.loaded_items import LoadedItems
from launch.bench.answering import Answering, endpoint_answering
from launch.bench.bench_folder import bench_folder
from launch.bench.bench_judges import JUDGE_FOLDER, judge_rows
from psyche_rl.bench.item_ask import ItemAsk, asks_of, sampling_of, spread
from psyche_rl.bench.item_rows import item_rows
from psyche_rl.bench.reply_journal import ReplyJournal
from psyche_rl.config.bench import BenchConfig
from psyche_rl.config.selection import is_remote
from psyche_rl.evaluation.benchmark_figures import figures_of
from psyche_rl.evaluation.cluster_draws import BootstrapSettings
from psyche_rl.evaluation.item_result import ItemResult
from psyche_rl.evaluation.result_files import write_results
from psyche_rl.evaluation.without_nan import without_nan
from psyche_rl.events import Events
from psyche_rl.llm.call_cache import CACHE_FILE
from psyche_rl.llm.call_log import CallLog
from psyche_rl.progress import Progress
from psyche_rl.store import RunStore

Door = Callable[[str, BenchConfig, RunStore], AbstractContextManager[Answering]]


@dataclass(frozen=True)
class _Task:
    loaded: LoadedItems
    asks: tuple[ItemAsk, ...]
    journal: ReplyJournal

    @property
    def missing(self) -> list[ItemAsk]:
        return [ask for ask in self.asks if not self.journal.is_finished(ask)]


def run_benchmarks(
    model: str,
    name: str,
    loaded: Sequence[LoadedItems],
    out: str,
    config: BenchConfig,
    door: Door | None = None,
) -> list[dict[str, Any]]:
    """Run and write all of it; returns each benchmark's summary.

    Raises:
        ModelError, TeacherError: the model cannot be asked.
        BudgetError: the budget is used up; finished replies are kept.
    """
    with bench_folder(out, model, name) as store:
        tasks = [_task(each, store, config) for each in loaded]
        if any(task.missing for task in tasks):
            with (door or open_door)(model, config, store) as answering:
                for task in tasks:
                    _ask(task, answering)
        return [_summed_up(task, name, store, config) for task in tasks]


@contextmanager
def open_door(model: str, config: BenchConfig, store: RunStore) -> Iterator[Answering]:
    """Whoever answers for ``model``."""
    if is_remote(model):
        calls = config.calls.to(model, config.api_key_env, 0.0, 1)
        calls = calls.model_copy(update={"extra_body": config.calls.extra_body, "omit": config.calls.omit})
        with endpoint_answering(calls, store) as answering:
            yield answering
        return
    from launch.bench.bench_engines import engine_context, engines_answering

    with engines_answering(engine_context(model, store, Events(store), config)) as answering:
        yield answering


def _task(loaded: LoadedItems, store: RunStore, config: BenchConfig) -> _Task:
    benchmark = loaded.benchmark
    items = spread(loaded.items, config.limit)
    asks = tuple(asks_of(benchmark, items, sampling_of(benchmark, config)))
    return _Task(loaded, asks, ReplyJournal(store.local_path(f"{benchmark.name}/replies.jsonl")))


def _ask(task: _Task, answering: Answering) -> None:
    missing, name = task.missing, task.loaded.benchmark.name
    if not missing:
        return
    done, failures = len(task.asks) - len(missing), 0
    with Progress(sys.stderr, len(task.asks), f"bench: {name}", "replies") as progress:
        progress.update(done)
        for answered in answering(missing, name):
            task.journal.keep(answered)
            done += len(answered)
            failures += sum(reply.ended == "failed" for _, reply in answered)
            progress.update(done, **({"failed": failures} if failures else {}))


def _summed_up(task: _Task, model: str, store: RunStore, config: BenchConfig) -> dict[str, Any]:
    benchmark, loaded = task.loaded.benchmark, task.loaded
    rows = item_rows(benchmark, task.asks, task.journal, model)
    file = str(store.local_path(f"{benchmark.name}/results.parquet"))
    write_results(file, rows)
    judged: dict[str, Any] = {}
    if config.judge.models and benchmark.judge is not None:
        rows, judged = judge_rows(benchmark, rows, store, config)
        write_results(file, rows)
    summary = _summary(task, rows, config)
    summary |= {"judges": judged, "usage": _usage(store, config)}
    summary |= {"counts": loaded.counts(), "items_of_benchmark": len(loaded.items)}
    told: dict[str, Any] = without_nan(summary)
    store.write_json(f"{benchmark.name}/summary.json", told)
    return told


def _summary(task: _Task, rows: Sequence[ItemResult], config: BenchConfig) -> dict[str, Any]:
    benchmark, left_out = task.loaded.benchmark, task.loaded.counts()["left_out"]
    settings = BootstrapSettings(config.draws, config.seed)
    found = figures_of(benchmark, rows, settings, left_out).as_json()
    failures = [row.error for row in rows if row.ended == "failed"]
    sampling = sampling_of(benchmark, config).model_dump()
    return {
        **found,
        "missing": 0,
        "failed": len(failures),
        "first_failure": failures[0] if failures else None,
        "sampling": sampling,
        "limit": config.limit,
    }


def _usage(store: RunStore, config: BenchConfig) -> list[dict[str, Any]]:
    """Calls, tokens and cost of the folder by benchmark or judge: of endpoints, and of judges on engines."""
    used: list[dict[str, Any]] = []
    for file in (CACHE_FILE, f"{JUDGE_FOLDER}/{CACHE_FILE}"):
        if store.exists(file):
            with closing(CallLog(store.local_path(file))) as log:
                used += [asdict(each) for each in log.usage(config.calls.prices)]
    return used
