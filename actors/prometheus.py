"""A training run's figures at Ray's Prometheus endpoint, each tagged with the run.

Role: the shell of ``psyche_rl.watch.exported`` around ``ray.util.metrics``. Ray's agent on the driver's node
serves them beside Ray's own, as ``ray_psyche_rl_…``.
Invariants:
- What is told costs no wait; a process whose agent is gone trains on all the same.
- Seconds of phases are counters: Ray keeps of a histogram the buckets alone, so its sum is a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ray.util.metrics import Counter, Gauge, Histogram

from psyche_rl.watch.exported import ExportedFigure, exported

BOUNDS_S = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
"""Upper bounds of the histogram's buckets: a step takes a fraction of a second, or many minutes."""
TELL: dict[str, Callable[[Any, float, dict[str, str]], None]] = {
    "gauge": lambda metric, value, tags: metric.set(value, tags),
    "counter": lambda metric, value, tags: metric.inc(value, tags) if value > 0 else None,
    "histogram": lambda metric, value, tags: metric.observe(value, tags),
}


class RunFigures:
    """Of the run with this name or URL."""

    def __init__(self, run: str) -> None:
        self._run = run
        self._metrics: dict[str, Any] = {}

    def tell(self, step: int, row: Mapping[str, float]) -> None:
        """A step is finished; ``row``: its metrics."""
        for figure in exported(step, row):
            if figure.name not in self._metrics:
                self._metrics[figure.name] = _metric(figure)
            TELL[figure.kind](self._metrics[figure.name], figure.value, {"run": self._run, **figure.tags})


def _metric(figure: ExportedFigure) -> Any:
    keys = ("run", *figure.tags)
    told = f"{figure.name.removeprefix('psyche_rl_').replace('_', ' ')} of a psyche-rl run"
    if figure.kind == "histogram":
        return Histogram(figure.name, told, list(BOUNDS_S), keys)
    return (Gauge if figure.kind == "gauge" else Counter)(figure.name, told, keys)
