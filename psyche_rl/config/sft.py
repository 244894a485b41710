"""SFT warm-up (paper section 4.1: lr 1e-5, batch 256, 2 epochs, cosine, warm-up 0.1)."""

from __future__ import annotations

from psyche_rl.config.base import Section
from psyche_rl.config.bounds import Count, CountOrNone, LearningRate, Processes, Share


class SftConfig(Section):
    """Supervised fine-tuning on replies only."""

    lr: LearningRate = 1e-5
    batch_size: Count = 256
    """Examples per optimizer step, over all ranks."""
    epochs: CountOrNone = 2
    warmup_ratio: Share = 0.1
    ranks: Processes = 1
    skip: bool = False
    """Ablation: go to GRPO from the base model."""
