"""Models and stored replies on benchmarks. Collaborators: ``launch.bench`` runs and measures."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from launch.given_config import override_words

if TYPE_CHECKING:
    from psyche_rl.evaluation.benchmark_item import BenchmarkItem


def bench(
    model: str | Path,
    benchmarks: str | Sequence[str],
    *,
    data: str | Path | Mapping[str, str | Path] | None = None,
    out: str | Path | None = None,
    name: str | None = None,
    settings: Mapping[str, Any] | Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Ask a model all items, score, judge and sum up, as ``psyche-rl bench run`` does; the same call goes on
    after a cut. A summary for each benchmark; ``failed`` in it counts items that will be asked again.

    Args:
        model: a local folder, or an endpoint as ``http(s)://host/v1#model``.
        benchmarks: names, or paths of descriptions.
        data: file or folder of the benchmark's data; for several, by the benchmarks' names.
        out: folder of results; unset, ``bench/<the model's name>``.
        settings: keys of docs/bench.md, such as ``{"limit": 20, "engine.dtype": "float32"}``.

    Raises:
        ConfigError, DataError: something that was given is wrong.
        ModelError, TeacherError: the model cannot be asked.
        BudgetError: the budget is used up; finished replies are kept.
    """
    from launch.bench.bench_folder import named_results
    from launch.bench.bench_run import run_benchmarks
    from launch.bench.given_benchmarks import loaded
    from psyche_rl.config.bench import bench_config

    names = [benchmarks] if isinstance(benchmarks, str) else list(benchmarks)
    given = (
        [f"{key}={path}" for key, path in data.items()] if isinstance(data, Mapping) else data and [str(data)]
    )
    shown, folder = named_results(str(model), name, None if out is None else str(out))
    config = bench_config(override_words(settings))
    return run_benchmarks(str(model), shown, loaded(names, given or None), folder, config)


def items(benchmark: str, data: str | Path | None = None) -> tuple[BenchmarkItem, ...]:
    """The items of a benchmark, whose ``id`` stored replies name.

    Raises:
        ConfigError: there is no such benchmark.
        DataError: its data are missing or unreadable.
    """
    from launch.bench.given_benchmarks import loaded

    (found,) = loaded([benchmark], None if data is None else [str(data)])
    return found.items


def score_replies(
    replies: str | Path | Iterable[Mapping[str, Any]],
    benchmark: str,
    *,
    data: str | Path | None = None,
    model: str | None = None,
    draws: int = 2000,
    seed: int = 0,
) -> dict[str, Any]:
    """What stored replies are worth; no model is asked. The values of ``psyche-rl bench score --json``:
    ``figures`` with their intervals, ``bad_rows``, ``missing``, …

    Args:
        replies: rows ``{"id", "response"}``, in a file or in memory.
        model: the name to show.
        draws: of the bootstrap.

    Raises:
        ConfigError: there is no such benchmark.
        DataError: data or replies are missing or unreadable, or none of the rows is a reply to an item.
    """
    from launch.bench.stored_figures import stored_figures
    from psyche_rl.evaluation.cluster_draws import BootstrapSettings

    settings, place = BootstrapSettings(draws, seed), None if data is None else str(data)
    if isinstance(replies, str | Path):
        return stored_figures(str(replies), benchmark, place, model, settings).told
    with tempfile.TemporaryDirectory(prefix="psyche-rl-") as folder:
        file = Path(folder) / "replies.jsonl"
        lines = (json.dumps(dict(row), ensure_ascii=False) for row in replies)
        file.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        return stored_figures(str(file), benchmark, place, model, settings).told
