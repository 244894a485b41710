"""Evaluation on the held-out exam."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from psyche_rl.config.base import MayChange, Section
from psyche_rl.config.bounds import Count, CountOrNone, ProcessesOrAuto, Temperature, Tokens
from psyche_rl.config.engine import EngineConfig


class EvalConfig(Section):
    """Greedy by default; intervals are percentile bootstrap over questions."""

    workers: Annotated[ProcessesOrAuto, MayChange("batches of another make-up round differently")] = 1
    """vLLM engines that answer side by side."""
    temperature: Temperature = 0.0
    max_tokens: Tokens = 1024
    bootstrap_samples: Count = 2000
    confidence: float = Field(0.95, gt=0, lt=1)
    rollout_samples: CountOrNone = 20
    """Sample rollouts shown side by side in the report."""
    engine: EngineConfig = EngineConfig()
    """What differs from the section ``engine``."""
