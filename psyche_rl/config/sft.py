"""SFT warm-up (paper section 4.1: lr 1e-5, batch 256, 2 epochs, cosine, warm-up 0.1)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from psyche_rl.config.base import MayChange, Section
from psyche_rl.config.learner import LearnerConfig


class SftConfig(Section):
    """Supervised fine-tuning on replies only."""

    lr: float = 1e-5
    batch_size: int = Field(256, ge=1)
    """Examples per optimizer step, over all ranks."""
    epochs: int = Field(2, ge=0)
    warmup_ratio: float = 0.1
    ranks: Annotated[int, MayChange("gradients are added in another order")] = Field(1, ge=1)
    max_tokens: int | None = Field(None, ge=1)
    """Longest example, in tokens; unset, ``engine.max_model_len``."""
    skip: bool = False
    """Ablation: go to GRPO from the base model."""
    learner: LearnerConfig = LearnerConfig()
    """What differs from the section ``learner``."""
