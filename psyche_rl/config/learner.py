"""What SFT and GRPO learners share: optimizer, packing, precision."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from psyche_rl.config.base import MayChange, Section


class LearnerConfig(Section):
    """One FSDP2 learner rank's settings."""

    dtype: Literal["float32", "bfloat16", "float64"] = "bfloat16"
    micro_batch_tokens: Annotated[int, MayChange("gradients are added in another order")] = Field(16384, ge=1)
    """Tokens (padding included) per forward pass and rank; changes speed and memory, never the loss."""
    row_tokens: Annotated[
        int, MayChange("sequences do not see each other, but sums are rounded differently")
    ] = Field(4096, ge=1)
    """Width of a packed row; a longer sequence gets a row of its own."""
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    max_grad_norm: float = 1.0
    gradient_checkpointing: Annotated[bool, MayChange("activations are computed again rather than kept")] = (
        False
    )
    threads: Annotated[int | None, MayChange("sums are rounded in another order")] = None
    """torch threads per rank; tiny models are fastest with 1."""
