"""The benchmarks that ``grpo.evaluations`` names, loaded before any actor is started.

Collaborators: ``data_pipeline.benchmarks`` loads, ``psyche_rl.loops.evaluations`` measures. The rows of each
measurement are ``grpo/evaluations/<benchmark>/step_<n>.parquet``, which ``bench`` commands read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from psyche_rl.run_context import StageContext

if TYPE_CHECKING:
    from psyche_rl.evaluation.item_result import ItemResult
    from psyche_rl.loops.benchmark_probe import BenchmarkProbe

FOLDER = "grpo/evaluations"


def benchmark_probes(context: StageContext, folder: Path, room: int) -> list[BenchmarkProbe]:
    """A probe for each.

    Raises:
        ConfigError: there is no such benchmark.
        DataError: its data are missing, or hold no item of it.
    """
    wanted = context.config.grpo.evaluations
    if not wanted:
        return []
    from data_pipeline.benchmarks.load_items import load_items
    from psyche_rl.bench.item_ask import asks_of, spread
    from psyche_rl.bench.item_codec import ItemCodec
    from psyche_rl.evaluation.catalogue import find_benchmark
    from psyche_rl.evaluation.item_result import ItemResult
    from psyche_rl.loops.benchmark_probe import BenchmarkProbe

    def keep(step: int, name: str, rows: Sequence[ItemResult]) -> None:
        context.store.write_records(f"{FOLDER}/{name}/step_{step:06d}.parquet", ItemResult, rows)

    codec, probes = ItemCodec.of_model(folder, room), []
    for each in wanted:
        benchmark = find_benchmark(each.benchmark)
        items = spread(load_items(benchmark, each.data).items, each.items)
        told = {"samples": 1} | ({"max_tokens": each.max_tokens} if each.max_tokens is not None else {})
        sampling = benchmark.sampling.model_copy(update=told)
        probes.append(
            BenchmarkProbe(benchmark, tuple(asks_of(benchmark, items, sampling)), codec, each.every, keep)
        )
        context.events.say(f"grpo: measured on {benchmark.name}", items=len(items), every=each.every)
    return probes
