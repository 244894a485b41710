"""Evaluation on the held-out exam."""

from __future__ import annotations

from pydantic import Field

from psyche_rl.config.base import Section


class EvalConfig(Section):
    """Greedy by default; intervals are percentile bootstrap over questions."""

    workers: int = Field(1, ge=1)
    """vLLM engines that answer side by side."""
    temperature: float = 0.0
    max_tokens: int = Field(1024, ge=1)
    bootstrap_samples: int = Field(2000, ge=1)
    confidence: float = Field(0.95, gt=0, lt=1)
    rollout_samples: int = Field(20, ge=0)
    """Sample rollouts shown side by side in the report."""
