"""The optimizer's settings and the learning rate at each step: pure arithmetic, nothing to restore."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class OptimSettings:
    """AdamW's learning rate over a run. ``total_steps`` is the end of the cosine."""

    lr: float
    schedule: Literal["cosine", "constant"]
    total_steps: int
    warmup_steps: int = 0


def learning_rate(settings: OptimSettings, step: int) -> float:
    """Rate of the ``step``-th optimizer step, counted from 0: linear warm-up, then the schedule.

    The n-th warm-up step has n/warmup_steps of the full rate, so no step is wasted at 0; cosine falls
    to 0 at ``total_steps`` (transformers' ``get_cosine_schedule_with_warmup``, shifted by that one step).
    """
    if step < settings.warmup_steps:
        return settings.lr * (step + 1) / settings.warmup_steps
    if settings.schedule == "constant":
        return settings.lr
    span = max(1, settings.total_steps - settings.warmup_steps)
    progress = min(1.0, (step - settings.warmup_steps) / span)
    return settings.lr * 0.5 * (1.0 + math.cos(math.pi * progress))
