"""LoRA: train low-rank adapters beside a frozen model, in SFT and GRPO alike.

There is no dropout: a policy's log-probabilities must not depend on the pass that computes them.
Source: LoRA (arXiv 2106.09685); rank-stabilised scale (arXiv 2312.03732).
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from psyche_rl.config.base import RefusedValueError, Section
from psyche_rl.config.bounds import Seed

ALL_LINEAR = ("all-linear",)


class LoraConfig(Section):
    """What each adapted layer gets: ``W + scale * B @ A`` with ``rank`` rows in A."""

    rank: int = Field(32, ge=1, le=4096)
    alpha: int = Field(64, ge=1, le=10**5)
    """The scale is ``alpha / rank``, or ``alpha / sqrt(rank)`` with ``use_rslora``."""
    target_modules: tuple[str, ...] = ALL_LINEAR
    """``all-linear`` stands for every linear layer but the output layer; else ends of module names, such as
    ``q_proj``."""
    use_rslora: bool = False
    seed: Seed | None = None
    """Of the adapters' start; unset, the run's ``seed``."""

    @field_validator("target_modules", mode="before")
    @classmethod
    def _one_or_several(cls, targets: Any) -> Any:
        return (targets,) if isinstance(targets, str) else targets

    @field_validator("target_modules")
    @classmethod
    def _names_something(cls, targets: tuple[str, ...]) -> tuple[str, ...]:
        if not targets or (len(targets) > 1 and ALL_LINEAR[0] in targets):
            raise RefusedValueError(
                "names no layers, or all and some", "give all-linear or names such as q_proj"
            )
        return targets
