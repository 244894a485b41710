"""Stored results judged after the fact: by the benchmark's rubric, or two models' replies in pairs.

Collaborators: ``bench_judges`` opens the doors, ``psyche_rl.bench`` asks and sums up.
Invariant: the files that were given stay as they are; what is said goes into a folder of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from launch.bench.bench_judges import judge_door, judge_rows
from psyche_rl.bench.judge_figures import pair_agreement, pair_figures
from psyche_rl.bench.judgement import PairJudgement
from psyche_rl.bench.pair_judging import pair_judgements
from psyche_rl.config.bench import BenchConfig
from psyche_rl.errors import ConfigError, DataError
from psyche_rl.evaluation.benchmark import Benchmark
from psyche_rl.evaluation.benchmark_figures import figures_of
from psyche_rl.evaluation.catalogue import find_benchmark
from psyche_rl.evaluation.cluster_draws import BootstrapSettings
from psyche_rl.evaluation.item_result import ItemResult
from psyche_rl.evaluation.result_files import write_results
from psyche_rl.evaluation.without_nan import without_nan
from psyche_rl.store import RunStore

TOLD = "judged.json"


def judged_results(
    rows: Sequence[ItemResult], out: str, config: BenchConfig, own: Mapping[str, Benchmark]
) -> dict[str, Any]:
    """Each benchmark's figures with its judges'; rows and verdicts are written to ``out``.

    Args:
        own: descriptions by name, before those that are shipped.

    Raises:
        DataError: no benchmark of the rows is judged.
        TeacherError: a judge cannot be used.
    """
    store = _local(out)
    told: dict[str, Any] = {}
    for name, of_benchmark in _by_benchmark(rows).items():
        benchmark = own.get(name) or find_benchmark(name)
        if benchmark.judge is None:
            continue
        judged, figures = judge_rows(benchmark, of_benchmark, store, config)
        write_results(str(store.local_path(f"{name}/results.parquet")), judged)
        means = figures_of(benchmark, judged, BootstrapSettings(config.draws, config.seed)).figures
        shown = {key: vars(value) for key, value in means.items() if key.startswith("judge:")}
        told[name] = {**figures, "figures": shown}
    if not told:
        raise DataError("no benchmark of these results has a judge; its description says so under 'judge'")
    store.write_json(TOLD, without_nan(told))
    return told


def judged_pairs(
    first: Sequence[ItemResult], second: Sequence[ItemResult], out: str, config: BenchConfig
) -> dict[str, Any]:
    """Per benchmark and judge: the second model's win rate against the first; verdicts go to ``out``.

    Raises:
        DataError: the two share no item, or one of them holds several models.
        TeacherError: a judge cannot be used.
    """
    names = [{row.model for row in rows} for rows in (first, second)]
    if any(len(found) != 1 for found in names) or names[0] == names[1]:
        raise DataError(
            "pairs are of two models; give the results of one model each, under names of their own"
        )
    store, told, said = _local(out), dict[str, Any](), list[PairJudgement]()
    others = _by_benchmark(second)
    for name, rows in _by_benchmark(first).items():
        if name not in others:
            continue
        of_benchmark: list[PairJudgement] = []
        told[name] = {"first": next(iter(names[0])), "second": next(iter(names[1])), "judges": {}}
        for judge in config.judge.models:
            with judge_door(judge, store, config) as door:
                found = pair_judgements(rows, others[name], judge, door)
            of_benchmark += found
            told[name]["judges"][judge] = pair_figures(found, BootstrapSettings(config.draws, config.seed))
        told[name]["kappa"] = pair_agreement(of_benchmark)
        said += of_benchmark
    if not said:
        raise DataError("the two models have no item in common that both answered")
    store.write_records("pairs.parquet", PairJudgement, said)
    store.write_json(TOLD, without_nan(told))
    return told


def _local(out: str) -> RunStore:
    store = RunStore(out)
    if not store.is_local:
        raise ConfigError(
            f"--out {out}: verdicts are kept as they come, which takes a local folder; copy it after"
        )
    store.make_folder()
    return store


def _by_benchmark(rows: Sequence[ItemResult]) -> dict[str, list[ItemResult]]:
    found: dict[str, list[ItemResult]] = defaultdict(list)
    for row in rows:
        found[row.benchmark].append(row)
    return dict(found)
