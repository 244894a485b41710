"""What SFT and GRPO learners share: optimizer, packing, precision."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from psyche_rl.config.base import Section


class LearnerConfig(Section):
    """One FSDP2 learner rank's settings."""

    dtype: Literal["float32", "bfloat16", "float64"] = "bfloat16"
    micro_batch_tokens: int = Field(16384, ge=1)
    """Tokens (padding included) per forward pass and rank; changes speed and memory, never the loss."""
    row_tokens: int = Field(4096, ge=1)
    """Width of a packed row; a longer sequence gets a row of its own."""
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    max_grad_norm: float = 1.0
    gradient_checkpointing: bool = False
    threads: int | None = None
    """torch threads per rank; tiny models are fastest with 1."""
