"""The losses: SFT's token mean and verl's policy objectives, both with one global denominator.

Collaborators: ``verl.trainer.ppo.core_algos`` (losses, KL estimators, aggregation; imported on first
use, 5 s); ``learner`` supplies the denominators of the whole mini-batch over all ranks.
Invariants:
- The sum of all micro-batches' losses over all ranks is the loss of the mini-batch, however it was packed,
  cut and spread. Losses of verl of which this cannot be said (clip_cov, kl_cov) are refused by the config.
- A masked token has no part in the loss, nor in a metric.
- A token that the policy's own top-k or top-p leaves out, now or before, counts as one of ratio 0, which is
  what it has: nothing in the loss, no gradient, and still one in the denominators.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from psyche_rl.config.grpo import GrpoConfig
from psyche_rl.errors import ConfigError
from psyche_rl.learner.packed_batch import PackedBatch
from psyche_rl.learner.sequence import PolicySequence
from psyche_rl.rollout.sampling import PLAIN, Sampling

CORRECTION = ("is_mean", "is_truncated")
"""The same, of importance sampling: mean weight, and share of tokens whose weight was truncated."""
SUMMED = (
    "loss", "policy_loss", "kl", "entropy", "clip_fraction", "approx_kl", "ratio_mean", "outside_share",
)  # fmt: skip
"""Metrics of a micro-batch that add up to the mini-batch's, whatever the objective."""
_MEANS_OF_ROWS = ("geo_mean",)
"""Losses of verl that are the mean over the sequences of the micro-batch they are given."""


@dataclass(frozen=True)
class PolicyObjective:
    """What ``policy_step`` minimises; names are verl's (``verl.trainer.ppo.core_algos``)."""

    policy_loss: str = "vanilla"
    loss_aggregation: str = "token-mean"
    clip_ratio: float = 0.2
    kl_coef: float = 0.0
    """Of the KL term in the loss; 0 where the KL is in the reward."""
    kl_estimator: str = "low_var_kl"
    sampling: Sampling = PLAIN
    """How the samples were drawn; their log-probabilities are of that distribution."""
    max_response_tokens: int | None = None
    """The constant divisor of "seq-mean-token-sum-norm" (Dr.GRPO)."""
    clip_ratio_low: float | None = None
    """How far the importance ratio may fall; None: ``clip_ratio``."""
    clip_ratio_high: float | None = None
    """How far it may rise; None: ``clip_ratio``."""
    clip_ratio_c: float = 3.0
    """Dual clip: the most that the ratio counts where the advantage is negative."""
    entropy_coeff: float = 0.0
    rollout_is: str | None = None
    """Level of truncated importance sampling by the old policy over the one that sampled; None: none."""
    rollout_is_threshold: float = 2.0

    @property
    def needs_entropy_gradient(self) -> bool:
        """Whether the entropy given to :func:`policy_loss` must carry a gradient."""
        return self.entropy_coeff != 0

    def divisor(self, counts: Denominators) -> int:
        """What the loss of a mini-batch of these ``counts`` is divided by.

        The config sees to it that a loss that averages sequences by itself is aggregated over them too.
        """
        if self.loss_aggregation == "token-sum":
            return 1
        return counts.tokens if self.loss_aggregation == "token-mean" else counts.sequences

    @property
    def summed(self) -> tuple[str, ...]:
        """Metrics of a micro-batch that add up to the mini-batch's."""
        return SUMMED if self.rollout_is is None else (*SUMMED, *CORRECTION)

    @classmethod
    def from_config(cls, config: GrpoConfig) -> PolicyObjective:
        """The objective that ``grpo`` in the config describes."""
        return cls(
            policy_loss=config.policy_loss,
            loss_aggregation=config.loss_aggregation,
            clip_ratio=config.clip_ratio,
            clip_ratio_low=config.clip_ratio_low,
            clip_ratio_high=config.clip_ratio_high,
            clip_ratio_c=config.clip_ratio_c,
            kl_coef=0.0 if config.use_kl_in_reward else config.kl_coef,
            kl_estimator=config.kl_estimator,
            entropy_coeff=config.entropy_coeff,
            sampling=Sampling.of(config),
            max_response_tokens=config.max_tokens,
            rollout_is=config.corrected_by,
            rollout_is_threshold=config.rollout_is_threshold,
        )


@dataclass(frozen=True)
class Denominators:
    """Of one mini-batch over all ranks: unmasked tokens, and sequences that have any."""

    tokens: int
    sequences: int


def sft_loss(logprobs: torch.Tensor, denominators: Denominators) -> torch.Tensor:
    """This micro-batch's share of the mean negative log-likelihood per reply token."""
    return -logprobs.sum() / denominators.tokens


def policy_loss(
    logprobs: torch.Tensor,
    entropy: torch.Tensor,
    batch: PackedBatch,
    sequences: Sequence[PolicySequence],
    objective: PolicyObjective,
    denominators: Denominators,
) -> tuple[torch.Tensor, dict[str, float]]:
    """This micro-batch's share of the objective and of its metrics.

    Args:
        logprobs, entropy: [R] of ``batch``.
        sequences: those of the step on this rank; ``batch.members`` holds indices into them.

    Returns:
        The loss to differentiate, and metrics: ``objective.summed`` and ``ratio_max``.

    Raises:
        ValueError: a sequence or ``entropy`` lacks what the objective needs.
    """
    if not batch.members:
        return logprobs.sum(), {**dict.fromkeys(objective.summed, 0.0), "ratio_max": 0.0}
    now, old = batch.per_sequence(logprobs), _old(batch, sequences, logprobs)
    mask = asked = _padded(batch, sequences, "mask", logprobs)
    if objective.sampling.filters:
        outside = torch.isneginf(now) | torch.isneginf(old)
        now, old, mask = (figure.masked_fill(outside, 0.0) for figure in (now, old, mask))
    config = _verl_config(objective, denominators)
    weights = _importance(batch, sequences, old, mask, objective)
    loss, reported = _policy_loss_fn(objective.policy_loss)(
        old_log_prob=old,
        log_prob=now,
        advantages=_padded(batch, sequences, "advantages", logprobs),
        response_mask=mask,
        loss_agg_mode=objective.loss_aggregation,
        config=config,
        rollout_is_weights=weights,
    )
    if objective.policy_loss in _MEANS_OF_ROWS:
        loss = loss * (len(batch.members) / (denominators.sequences or 1))
    share = 1.0 / (denominators.tokens or 1)
    metrics = {"policy_loss": loss.item(), "kl": 0.0}
    if objective.kl_coef:
        kl = _kl(now, _padded(batch, sequences, "reference_logprobs", logprobs), objective)
        loss = loss + objective.kl_coef * _aggregate(kl, mask, objective, config.global_batch_info)
        metrics["kl"] = (kl.detach() * mask).sum().item() * share
    if objective.needs_entropy_gradient:
        if logprobs.requires_grad and not entropy.requires_grad:
            raise ValueError("the entropy carries no gradient, which entropy_coeff needs")
        bonus = _aggregate(batch.per_sequence(entropy), mask, objective, config.global_batch_info)
        loss = loss - objective.entropy_coeff * bonus
    with torch.no_grad():
        log_ratio = (now - old) * mask
        ratio = log_ratio.exp()
        metrics |= {
            "loss": loss.item(),
            "entropy": (batch.per_sequence(entropy) * mask).sum().item() * share,
            # verl's mean over this micro-batch's tokens is sum / (count + 1e-8); shares add up.
            "clip_fraction": reported.get("actor/pg_clipfrac", 0.0) * (mask.sum().item() + 1e-8) * share,
            "approx_kl": -log_ratio.sum().item() * share,
            "ratio_mean": (ratio * mask).sum().item() * share,
            "outside_share": (asked - mask).sum().item() * share,
            "ratio_max": (ratio * mask).max().item(),
        }
        if weights is not None:
            truncated = (weights >= objective.rollout_is_threshold) * mask
            metrics |= {"is_mean": (weights * mask).sum().item() * share}
            metrics |= {"is_truncated": truncated.sum().item() * share}
    return loss, metrics


def _old(batch: PackedBatch, sequences: Sequence[PolicySequence], now: torch.Tensor) -> torch.Tensor:
    """The old log-probabilities; those of this pass where no sequence has any."""
    if all(sequences[i].old_logprobs is None for i in batch.members):
        return batch.per_sequence(now.detach())
    return _padded(batch, sequences, "old_logprobs", now)


def _importance(
    batch: PackedBatch,
    sequences: Sequence[PolicySequence],
    old: torch.Tensor,
    mask: torch.Tensor,
    objective: PolicyObjective,
) -> torch.Tensor | None:
    """Truncated weights [sequences, response] of the old policy over the one that sampled."""
    if objective.rollout_is is None:
        return None
    from verl.trainer.ppo.rollout_corr_helper import compute_rollout_correction_weights

    sampled = _padded(batch, sequences, "rollout_logprobs", old)
    if not bool(mask.any()):
        return torch.zeros_like(old)  # verl's figures want a token; there is none to weigh
    weights: torch.Tensor = compute_rollout_correction_weights(
        old - sampled, mask, objective.rollout_is, objective.rollout_is_threshold
    )[0]
    return weights


def _padded(
    batch: PackedBatch, sequences: Sequence[PolicySequence], name: str, like: torch.Tensor
) -> torch.Tensor:
    arrays = [getattr(sequences[i], name) for i in batch.members]
    if any(array is None for array in arrays):
        raise ValueError(f"a sequence has no {name}, which the objective needs")
    return batch.per_sequence(torch.from_numpy(np.concatenate(arrays)).to(like.device, like.dtype))


def _policy_loss_fn(name: str) -> Any:
    from verl.trainer.ppo import core_algos

    if name not in core_algos.POLICY_LOSS_REGISTRY:
        known = ", ".join(sorted(core_algos.POLICY_LOSS_REGISTRY))
        raise ConfigError(f"grpo.policy_loss: verl knows no '{name}'; it knows {known}")
    return core_algos.get_policy_loss_fn(name)


def _kl(now: torch.Tensor, reference: torch.Tensor, objective: PolicyObjective) -> torch.Tensor:
    from verl.trainer.ppo import core_algos

    try:
        kl: torch.Tensor = core_algos.kl_penalty(now, reference, objective.kl_estimator)  # type: ignore[arg-type]
    except NotImplementedError:
        raise ConfigError(f"grpo.kl_estimator: verl knows no '{objective.kl_estimator}'") from None
    return kl


def _aggregate(
    matrix: torch.Tensor, mask: torch.Tensor, objective: PolicyObjective, batch_info: dict[str, Any]
) -> torch.Tensor:
    from verl.trainer.ppo import core_algos

    total: torch.Tensor = core_algos.agg_loss(matrix, mask, objective.loss_aggregation, **batch_info)
    return total


def _or(given: float | None, otherwise: float) -> float:
    return otherwise if given is None else given


@functools.lru_cache(maxsize=8)
def _verl_config(objective: PolicyObjective, denominators: Denominators) -> Any:
    from verl.workers.config import ActorConfig, PolicyLossConfig

    if objective.loss_aggregation == "seq-mean-token-sum-norm" and objective.max_response_tokens is None:
        raise ValueError("seq-mean-token-sum-norm needs max_response_tokens")
    try:
        config = ActorConfig(
            strategy="fsdp2",
            rollout_n=1,
            use_dynamic_bsz=True,
            clip_ratio=objective.clip_ratio,
            clip_ratio_low=_or(objective.clip_ratio_low, objective.clip_ratio),
            clip_ratio_high=_or(objective.clip_ratio_high, objective.clip_ratio),
            clip_ratio_c=objective.clip_ratio_c,
            loss_agg_mode=objective.loss_aggregation,
            policy_loss=PolicyLossConfig(loss_mode=objective.policy_loss),
        )
    except ValueError:
        raise ConfigError(
            f"grpo.loss_aggregation: verl knows no '{objective.loss_aggregation}'; it knows token-mean, "
            "token-sum, seq-mean-token-sum, seq-mean-token-mean, seq-mean-token-sum-norm"
        ) from None
    config.global_batch_info.update(
        batch_num_tokens=denominators.tokens or 1,
        global_batch_size=denominators.sequences or 1,
        loss_scale_factor=objective.max_response_tokens,
    )
    return config
