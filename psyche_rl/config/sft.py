"""SFT warm-up (paper section 4.1: lr 1e-5, batch 256, 2 epochs, cosine, warm-up 0.1)."""

from __future__ import annotations

from typing import Annotated

from psyche_rl.config.base import MayChange, Section
from psyche_rl.config.bounds import Count, CountOrNone, LearningRate, ProcessesOrAuto, Share, Tokens
from psyche_rl.config.learner import LearnerConfig


class SftConfig(Section):
    """Supervised fine-tuning on replies only."""

    lr: LearningRate = 1e-5
    batch_size: Count = 256
    """Examples per optimizer step, over all ranks."""
    epochs: CountOrNone = 2
    warmup_ratio: Share = 0.1
    ranks: Annotated[ProcessesOrAuto, MayChange("gradients are added in another order")] = 1
    max_tokens: Tokens | None = None
    """Longest example, in tokens; unset, ``engine.max_model_len``."""
    learner: LearnerConfig = LearnerConfig()
    """What differs from the section ``learner``."""
    skip: bool = False
    """Ablation: go to GRPO from the base model."""

    @property
    def trains(self) -> bool:
        """Whether a learner is started at all."""
        return not self.skip
