"""GRPO (paper section 4.1; the algorithms are verl's, named as verl names them)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from psyche_rl.config.base import MayChange, Section, SpeedOnly
from psyche_rl.config.engine import EngineConfig
from psyche_rl.config.learner import LearnerConfig


class RewardConfig(Section):
    """Reward = answer weight x strict correctness + format weight x think format, or a reward set."""

    answer_weight: float = 1.0
    format_weight: float = 0.5
    config: str | None = None
    """YAML file of a reward set; it takes the place of the two weights."""
    pool: Annotated[str | None, MayChange("a pool serves a reward of the same fingerprint or is refused")] = (
        None
    )
    """Name of a running pool (``psyche-rl rewards up``) to use; unset, the run has one of its own."""
    workers: Annotated[int, SpeedOnly("a sample's score does not depend on the process")] = Field(2, ge=1)
    max_workers: Annotated[int | None, SpeedOnly("as workers")] = Field(None, ge=1)
    """Scoring processes at most, where scorers are slow or hang; unset, four times ``workers``."""
    timeout_s: Annotated[float, MayChange("a slow scorer may pass or fail")] = Field(10.0, gt=0)
    """Deadline of each sample's score, in seconds."""
    memory_mib: Annotated[int | None, MayChange("a large scorer may pass or fail")] = Field(4096, ge=256)
    """Address space of a scoring process."""
    min_scores: int = Field(2, ge=2)
    """A group with fewer scores has no baseline and is dropped."""
    error_budget: Annotated[float, MayChange("it stops a run, and changes nothing that is trained")] = Field(
        0.05, ge=0, le=1
    )
    """Share of the newest ``error_window`` samples whose scorer may fail before the run stops."""
    error_window: Annotated[int, MayChange("as error_budget")] = Field(512, ge=1)


class GrpoConfig(Section):
    """Policy optimisation on the hard questions."""

    lr: float = 1e-6
    prompts_per_step: int = Field(128, ge=1)
    group_size: int = Field(5, ge=2)
    mini_batch_prompts: int = Field(32, ge=1)
    """Prompts per optimizer step; ``prompts_per_step`` must be a multiple of it."""
    epochs: int = Field(2, ge=1)
    max_steps: int | None = None
    """Stop after this many steps even if epochs are left (or go on with new epochs, if more)."""
    warmup_steps: int = Field(10, ge=0)
    kl_coef: float = 0.001
    """0 leaves the reference model out altogether."""
    kl_estimator: str = "low_var_kl"
    clip_ratio: float = 0.2
    advantage: str = "grpo"
    policy_loss: str = "vanilla"
    loss_aggregation: str = "token-mean"
    normalize_advantage_by_std: bool = True
    temperature: float = 1.0
    max_tokens: int = Field(1024, ge=1)
    shuffle_options: bool = False
    """Show each question with its options in a new order each epoch; the gold follows."""
    rollout_workers: Annotated[int, MayChange("batches of another make-up round differently")] = Field(
        2, ge=1
    )
    ranks: Annotated[int, MayChange("gradients are added in another order")] = Field(1, ge=1)
    mode: Literal["sync"] = "sync"
    eval_every: Annotated[int, MayChange("measuring changes nothing that is trained")] = Field(10, ge=0)
    """Steps between accuracy measurements on the dev split; 0 for never."""
    save_every: Annotated[int, MayChange("a checkpoint changes nothing that is trained")] = Field(10, ge=1)
    keep_checkpoints: Annotated[int, SpeedOnly("old checkpoints are not read again")] = Field(2, ge=1)
    sync_tolerance: Annotated[float, MayChange("it stops a run, and changes nothing that is trained")] = 1e-4
    """Largest allowed |logprob(engine) - logprob(learner)| after a weight sync, in nats."""
    wait_s: Annotated[float, SpeedOnly("a deadline stops a run, and changes nothing that is trained")] = 600.0
    """Deadline of every remote wait, in seconds."""
    reward: RewardConfig = RewardConfig()
    learner: LearnerConfig = LearnerConfig()
    """What differs from the section ``learner``."""
    engine: EngineConfig = EngineConfig()
    """What differs from the section ``engine``."""

    @property
    def measures_nothing(self) -> bool:
        """Whether no accuracy is measured on the way, so that no exam is needed."""
        return self.eval_every == 0

    @model_validator(mode="after")
    def _divisible(self) -> GrpoConfig:
        if self.prompts_per_step % self.mini_batch_prompts:
            raise ValueError(
                f"prompts_per_step ({self.prompts_per_step}) must be a multiple of "
                f"mini_batch_prompts ({self.mini_batch_prompts})"
            )
        return self
