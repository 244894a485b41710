"""The losses: SFT's token mean and verl's policy objectives, both with one global denominator."""

from __future__ import annotations

from dataclasses import dataclass

from psyche_rl.config.grpo import GrpoConfig


@dataclass(frozen=True)
class PolicyObjective:
    """What ``policy_step`` minimises; names are verl's (``verl.trainer.ppo.core_algos``)."""

    policy_loss: str = "vanilla"
    loss_aggregation: str = "token-mean"
    clip_ratio: float = 0.2
    kl_coef: float = 0.0
    kl_estimator: str = "low_var_kl"
    temperature: float = 1.0

    @classmethod
    def from_config(cls, config: GrpoConfig) -> PolicyObjective:
        """The objective that ``grpo`` in the config describes."""
        return cls(
            policy_loss=config.policy_loss,
            loss_aggregation=config.loss_aggregation,
            clip_ratio=config.clip_ratio,
            kl_coef=config.kl_coef,
            kl_estimator=config.kl_estimator,
            temperature=config.temperature,
        )
