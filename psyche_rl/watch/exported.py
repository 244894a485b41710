"""What a monitoring system is told of a training step, from the step's row of metrics.

Pure. Collaborators: ``actors.prometheus`` gives it to Ray's endpoint; docs/watch.md lists the names.
Invariant: a figure that the step does not have, or that is no finite number, is not told.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from psyche_rl.watch.picture import STEP_S, TIME, WORKERS

GAUGES = {
    "reward/mean": "reward_mean",
    "kl/mean": "kl_mean",
    "eval/strict_accuracy": "dev_accuracy",
    "staleness/mean": "staleness_mean",
    "staleness/max": "staleness_max",
    "group/zero_variance_share": "zero_variance_share",
    "response/length_mean": "response_length_mean",
    "policy/entropy": "entropy",
    "policy/grad_norm": "grad_norm",
    "throughput/tokens_per_s": "tokens_per_second",
    "fleet/idle_share": "workers_idle_share",
}
"""Metric -> name; all begin with ``psyche_rl_``."""
PREFIX = "psyche_rl_"
TOKENS_PER_S = "throughput/tokens_per_s"


@dataclass(frozen=True)
class ExportedFigure:
    """A value of a gauge, what a counter grows by, or one observation of a histogram."""

    kind: Literal["gauge", "counter", "histogram"]
    name: str
    value: float
    tags: Mapping[str, str] = field(default_factory=dict)


def exported(step: int, row: Mapping[str, float]) -> list[ExportedFigure]:
    """Of one finished step."""
    return [figure for figure in _all(step, row) if math.isfinite(figure.value)]


def _all(step: int, row: Mapping[str, float]) -> Iterator[ExportedFigure]:
    yield ExportedFigure("gauge", f"{PREFIX}step", step)
    for metric, name in GAUGES.items():
        if metric in row:
            yield ExportedFigure("gauge", PREFIX + name, row[metric])
    for metric, value in row.items():
        if metric.startswith(WORKERS):
            state = {"state": metric.removeprefix(WORKERS)}
            yield ExportedFigure("gauge", f"{PREFIX}workers", value, state)
        elif metric == STEP_S:
            yield ExportedFigure("histogram", f"{PREFIX}step_seconds", value)
        elif metric.startswith(TIME):
            phase = {"phase": metric.removeprefix(TIME).removesuffix("_s")}
            yield ExportedFigure("counter", f"{PREFIX}phase_seconds", value, phase)
    if TOKENS_PER_S in row and STEP_S in row:
        yield ExportedFigure("counter", f"{PREFIX}response_tokens", row[TOKENS_PER_S] * row[STEP_S])
