"""What SFT and GRPO learners share: optimizer, packing, precision."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from psyche_rl.config.base import MayChange, Section
from psyche_rl.config.bounds import Beta, Share, Threads, Tokens


class LearnerConfig(Section):
    """One FSDP2 learner rank's settings."""

    dtype: Literal["float32", "bfloat16", "float64"] = "bfloat16"
    micro_batch_tokens: Annotated[Tokens, MayChange("gradients are added in another order")] = 16384
    """Tokens (padding included) per forward pass and rank; changes speed and memory, never the loss."""
    row_tokens: Annotated[
        Tokens, MayChange("sequences do not see each other, but sums are rounded differently")
    ] = 4096
    """Width of a packed row; a longer sequence gets a row of its own."""
    attention: Annotated[
        Literal["auto", "varlen", "sdpa", "eager"], MayChange("kernels round differently")
    ] = "auto"
    """varlen: rows without padding, by flash-attn 2 or torch's own kernel; auto takes it on a GPU in
    bfloat16."""
    weight_decay: Share = 0.0
    betas: tuple[Beta, Beta] = (0.9, 0.999)
    max_grad_norm: float = Field(1.0, gt=0, le=1e6)
    gradient_checkpointing: Annotated[bool, MayChange("activations are computed again rather than kept")] = (
        False
    )
    threads: Annotated[Threads | None, MayChange("sums are rounded in another order")] = None
    """torch threads per rank; tiny models are fastest with 1."""
