"""How far generation may run ahead of training, what corrects for it, and which groups are trained on.

Names are verl's where it has them (rollout correction, ``filter_groups``). Collaborators: ``grpo.py``, whose
section has these keys; ``psyche_rl.fleet.admission`` keeps the bound.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from psyche_rl.config.base import Contradiction, SpeedOnly
from psyche_rl.config.bounds import Few
from psyche_rl.config.objective import ObjectiveConfig


class StalenessConfig(ObjectiveConfig):
    """The keys of ``grpo`` that say how generation and training go side by side."""

    staleness: int = Field(0, ge=0, le=100)
    """Optimizer steps between the version of a sample's oldest token and the step that it is trained in, at
    most. 0: each step generates, then trains."""
    rollout_is: Literal["token", "sequence"] | None = "token"
    """With a staleness: truncated importance sampling of stale tokens (verl's rollout correction)."""
    rollout_is_threshold: float = Field(2.0, gt=1, le=1000)
    """What an importance weight is truncated to."""
    bypass_mode: bool = False
    """Take the engine's log-probabilities as the old ones of every mini-batch (verl's name); False computes
    those of all mini-batches but the first, which has its own."""
    dynamic_sampling: bool = False
    """Do not train on groups whose samples all have the same reward, and replace them (DAPO; verl's
    ``filter_groups``)."""
    gen_batches: int = Field(3, ge=1, le=1000)
    """With ``dynamic_sampling``: batches that may be generated for a step (verl's
    ``max_num_gen_batches``)."""
    failovers: Annotated[Few, SpeedOnly("the run goes on from its checkpoint")] = 3
    """How often the stage starts again by itself after a learner rank or the reference was lost."""

    def contradictions(self) -> Iterator[Contradiction]:
        """What a staleness needs."""
        if self.staleness and self.rollout_is and self.bypass_mode:
            yield Contradiction(
                ("rollout_is", "bypass_mode"),
                self.rollout_is,
                "with bypass_mode the engine's log-probabilities are the old ones: nothing is left to weigh",
                "set rollout_is=null, or bypass_mode=false",
            )
        yield from super().contradictions()

    @property
    def corrected_by(self) -> str | None:
        """The level of truncated importance sampling; None where every token is fresh, or for none."""
        return self.rollout_is if self.staleness else None
