"""The curves by which runs are compared, side by side. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from psyche_rl.run_comparison.compared_run import ComparedRun

METRICS: tuple[tuple[str, str, str, str], ...] = (
    ("grpo", "reward/mean", "Reward", "reward"),
    ("grpo", "eval/strict_accuracy", "Accuracy on the dev split", "strict accuracy"),
    ("grpo", "kl/mean", "KL to the reference", "nats per token"),
    ("grpo", "loss/total", "GRPO loss", "loss"),
    ("grpo", "policy/entropy", "Policy entropy", "nats per token"),
    ("grpo", "response/length_mean", "Response length", "tokens"),
    ("sft", "loss", "SFT loss", "nats per token"),
    ("sft", "dev_loss", "SFT loss, held out", "nats per token"),
)
"""Stage, metric, title and unit, in the order of the tables."""
BLOCKS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class RunCurve:
    """One metric of one run: finite values only, by step."""

    letter: str
    steps: tuple[float, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class ComparedCurve:
    """One metric of all runs that have it."""

    stage: str
    metric: str
    title: str
    unit: str
    runs: tuple[RunCurve, ...]

    def as_json(self) -> dict[str, Any]:
        """As JSON-able values."""
        curves = {run.letter: {"steps": list(run.steps), "values": list(run.values)} for run in self.runs}
        return {"stage": self.stage, "metric": self.metric, "title": self.title, "unit": self.unit} | {
            "runs": curves
        }

    def sparks(self, width: int) -> dict[str, str]:
        """Letter -> its curve in ``width`` blocks; all runs on the same axes, gaps where no value is."""
        everything = [value for run in self.runs for value in run.values]
        low, high = min(everything), max(everything)
        first = min(step for run in self.runs for step in run.steps)
        last = max(step for run in self.runs for step in run.steps)
        return {run.letter: _spark(run, width, (first, last), (low, high)) for run in self.runs}


def compared_curves(runs: Sequence[ComparedRun]) -> list[ComparedCurve]:
    """All of :data:`METRICS` that any run has."""
    return [found for spec in METRICS if (found := ComparedCurve(*spec, tuple(_of(runs, *spec[:2])))).runs]


def _of(runs: Sequence[ComparedRun], stage: str, metric: str) -> Iterator[RunCurve]:
    for run in runs:
        rows = [row for row in run.curves[stage] if metric in row and math.isfinite(row[metric])]
        if rows:
            yield RunCurve(
                run.letter, tuple(row["step"] for row in rows), tuple(float(row[metric]) for row in rows)
            )


def _spark(run: RunCurve, width: int, steps: tuple[float, float], values: tuple[float, float]) -> str:
    """Each block is the mean of the values whose steps fall into it."""
    held: list[list[float]] = [[] for _ in range(width)]
    span = steps[1] - steps[0]
    for step, value in zip(run.steps, run.values, strict=True):
        held[min(width - 1, int((step - steps[0]) / span * width)) if span else 0].append(value)
    height = values[1] - values[0]

    def block(mean: float) -> str:
        return BLOCKS[min(7, int((mean - values[0]) / height * 8)) if height else 3]

    return "".join(block(sum(some) / len(some)) if some else " " for some in held).rstrip()
