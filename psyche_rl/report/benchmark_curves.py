"""Curves of the benchmarks that a training run was measured on, one figure for each benchmark.

Invariant: a point stands at the weights that were measured, which may be those before the row's step.
"""

from __future__ import annotations

from collections.abc import Sequence

from psyche_rl.config.training_evaluation import BENCH
from psyche_rl.report.figures import Curve, Drawing, Row, curve

_BESIDES = ("version", "unanswered", "truncated", "response_length", "refusal", "format", "language_mix")
"""What is measured of every reply is in the rows; the figure shows what the benchmark is about."""
_LINES = 5


def benchmark_curves(rows: Sequence[Row]) -> list[Drawing | None]:
    """In the order of their names."""
    names = sorted({name for row in rows for name in row if name.startswith(BENCH)})
    of: dict[str, dict[str, str]] = {}
    for name in names:
        benchmark, _, figure = name.removeprefix(BENCH).partition("/")
        if not figure.startswith(_BESIDES):
            of.setdefault(benchmark, {})[name] = figure
    return [_drawn(benchmark, metrics, rows) for benchmark, metrics in of.items()]


def _drawn(benchmark: str, metrics: dict[str, str], rows: Sequence[Row]) -> Drawing | None:
    at = f"{BENCH}{benchmark}/version"
    measured = [{**row, "step": int(row[at])} for row in rows if at in row]
    shown = dict(list(metrics.items())[:_LINES])
    return curve(Curve(f"{benchmark}, during training", "score", shown), measured)
