"""Evaluation on the held-out exam."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from psyche_rl.config.base import MayChange, Section
from psyche_rl.config.engine import EngineConfig


class EvalConfig(Section):
    """Greedy by default; intervals are percentile bootstrap over questions."""

    workers: Annotated[int, MayChange("batches of another make-up round differently")] = Field(1, ge=1)
    """vLLM engines that answer side by side."""
    engine: EngineConfig = EngineConfig()
    """What differs from the section ``engine``."""
    temperature: float = 0.0
    max_tokens: int = Field(1024, ge=1)
    bootstrap_samples: int = Field(2000, ge=1)
    confidence: float = Field(0.95, gt=0, lt=1)
    rollout_samples: int = Field(20, ge=0)
    """Sample rollouts shown side by side in the report."""
