"""Curves of the benchmarks that a training run was measured on, one figure for each benchmark.

Invariant: a point stands at the weights that were measured, which may be those before the row's step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psyche_rl.charts import Chart, Curve, Row, curve_chart
from psyche_rl.config.training_evaluation import BENCH

_BESIDES = ("version", "unanswered", "truncated", "response_length", "refusal", "format", "language_mix")
"""What is measured of every reply is in the rows; the figure shows what the benchmark is about."""
_LINES = 5


def benchmark_curves(runs: Mapping[str, Sequence[Row]]) -> list[Chart]:
    """In the order of their names."""
    names = sorted({name for rows in runs.values() for row in rows for name in row if name.startswith(BENCH)})
    of: dict[str, dict[str, str]] = {}
    for name in names:
        benchmark, _, figure = name.removeprefix(BENCH).partition("/")
        if not figure.startswith(_BESIDES):
            of.setdefault(benchmark, {})[name] = figure
    return [chart for benchmark, metrics in of.items() if (chart := _drawn(benchmark, metrics, runs))]


def _drawn(benchmark: str, metrics: dict[str, str], runs: Mapping[str, Sequence[Row]]) -> Chart | None:
    at = f"{BENCH}{benchmark}/version"
    measured = {
        run: [{**row, "step": int(row[at])} for row in rows if at in row] for run, rows in runs.items()
    }
    shown = dict(list(metrics.items())[:_LINES])
    return curve_chart(Curve(f"{benchmark}, during training", "score", shown, smooth=False), measured)
