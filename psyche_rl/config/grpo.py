"""GRPO (paper section 4.1; the algorithms are verl's, named as verl names them)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from psyche_rl.config.base import Section


class RewardConfig(Section):
    """Reward = answer weight x strict correctness + format weight x think format, or a reward set."""

    answer_weight: float = 1.0
    format_weight: float = 0.5
    config: str | None = None
    """YAML file of a reward set; it takes the place of the two weights."""
    pool: str | None = None
    """Name of a running pool (``psyche-rl rewards up``) to use; unset, the run has one of its own."""
    workers: int = Field(2, ge=1)
    max_workers: int | None = Field(None, ge=1)
    """Scoring processes at most, where scorers are slow or hang; unset, four times ``workers``."""
    timeout_s: float = Field(10.0, gt=0)
    """Deadline of each sample's score, in seconds."""
    memory_mib: int | None = Field(4096, ge=256)
    """Address space of a scoring process."""
    min_scores: int = Field(2, ge=2)
    """A group with fewer scores has no baseline and is dropped."""
    error_budget: float = Field(0.05, ge=0, le=1)
    """Share of the newest ``error_window`` samples whose scorer may fail before the run stops."""
    error_window: int = Field(512, ge=1)


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
    rollout_workers: int = Field(2, ge=1)
    ranks: int = Field(1, ge=1)
    mode: Literal["sync"] = "sync"
    eval_every: int = Field(10, ge=0)
    """Steps between accuracy measurements on the dev split; 0 for never."""
    save_every: int = Field(10, ge=1)
    keep_checkpoints: int = Field(2, ge=1)
    sync_tolerance: float = 1e-4
    """Largest allowed |logprob(engine) - logprob(learner)| after a weight sync, in nats."""
    wait_s: float = 600.0
    """Deadline of every remote wait, in seconds."""
    grace_s: float = Field(30.0, ge=0)
    """After SIGTERM or SIGHUP: seconds to finish the step and save a checkpoint, in SFT too."""
    reward: RewardConfig = RewardConfig()

    @model_validator(mode="after")
    def _divisible(self) -> GrpoConfig:
        if self.prompts_per_step % self.mini_batch_prompts:
            raise ValueError(
                f"prompts_per_step ({self.prompts_per_step}) must be a multiple of "
                f"mini_batch_prompts ({self.mini_batch_prompts})"
            )
        return self
