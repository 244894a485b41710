"""What GRPO minimises: advantages, policy loss, clip range, KL, entropy, and what long replies cost.

Names are verl's, defaults those of the paper (Psyche-R1, arXiv 2508.10848). The rules between keys follow
from what verl's losses do with them. Collaborators: ``grpo.py``, whose section begins with these keys;
``algorithms.py`` sets other defaults by name.
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from psyche_rl.config.algorithms import Algorithm
from psyche_rl.config.base import Contradiction, Section
from psyche_rl.config.bounds import ClipRange, CountOrNone, Factor, PositiveShare, Tokens
from psyche_rl.config.verl_choices import Advantage, KlEstimator, LossAggregation, PolicyLoss

PER_SEQUENCE = ("sapo", "geo_mean")
"""Losses that average each sequence by itself, whatever ``loss_aggregation`` says."""
UNORDERED = ("cispo", "dppo_tv", "dppo_kl")
"""Losses that clip a weight or bound a divergence: their lower side may be the wider one."""


class OverlongBufferConfig(Section):
    """DAPO's soft overlong punishment (arXiv 2503.14476, equation 13), added to each sample's reward."""

    len: CountOrNone = 0
    """Tokens before ``max_tokens`` over which the punishment rises; 0 punishes nothing."""
    penalty_factor: float = Field(1.0, gt=0, le=1000)
    """What a reply of ``max_tokens`` tokens loses."""


class ObjectiveConfig(Section):
    """The keys of ``grpo`` that say what a sample is worth and what is minimised."""

    algorithm: Algorithm = "grpo"
    """Sets the defaults of other keys (``algorithms.py``); a key that is stated wins over it."""
    kl_coef: Factor = 0.001
    """0 leaves the reference model out altogether."""
    kl_estimator: KlEstimator = "low_var_kl"
    use_kl_in_reward: bool = False
    """Subtract ``kl_coef`` x KL from the reward of each token, instead of adding it to the loss."""
    clip_ratio: PositiveShare = 0.2
    clip_ratio_low: ClipRange | None = None
    """How far the ratio may fall; unset: ``clip_ratio``."""
    clip_ratio_high: ClipRange | None = None
    """How far it may rise; unset: ``clip_ratio``."""
    clip_ratio_c: float = Field(3.0, gt=1, le=1000)
    """Dual clip (arXiv 1912.09729): the loss of a token with a negative advantage counts at most so often."""
    entropy_coeff: Factor = 0.0
    """Weight of an entropy bonus in the loss."""
    advantage: Advantage = "grpo"
    policy_loss: PolicyLoss = "vanilla"
    loss_aggregation: LossAggregation = "token-mean"
    normalize_advantage_by_std: bool = True
    max_tokens: Tokens = 1024
    overlong_buffer: OverlongBufferConfig = OverlongBufferConfig()
    mask_truncated_completions: bool = False
    """A reply cut off at ``max_tokens`` has no part in the loss; its reward still counts in the baseline."""

    @property
    def clip_range(self) -> tuple[float, float]:
        """How far the importance ratio may fall, and rise."""
        low, high = self.clip_ratio_low, self.clip_ratio_high
        return self.clip_ratio if low is None else low, self.clip_ratio if high is None else high

    def contradictions(self) -> Iterator[Contradiction]:
        """Clip range, aggregation, KL and length penalty suit the loss and each other."""
        low, high = self.clip_range
        if low > high and self.policy_loss not in UNORDERED:
            yield Contradiction(
                ("clip_ratio_low", "clip_ratio_high"),
                low,
                f"the ratio may fall by more than it may rise (clip_ratio_high={high:g})",
                "raise clip_ratio_high (clip-higher) or lower clip_ratio_low",
            )
        if self.policy_loss in PER_SEQUENCE and self.loss_aggregation != "seq-mean-token-mean":
            yield Contradiction(
                ("loss_aggregation", "policy_loss"),
                self.loss_aggregation,
                f"policy_loss={self.policy_loss} averages each sequence by itself",
                "set loss_aggregation=seq-mean-token-mean",
            )
        if self.use_kl_in_reward and self.kl_estimator.endswith("+"):
            yield Contradiction(
                ("kl_estimator", "use_kl_in_reward"),
                self.kl_estimator,
                "the + changes a gradient, and a reward has none",
                f"take {self.kl_estimator.removesuffix('+')}",
            )
        if (
            self.use_kl_in_reward
            and self.advantage == "reinforce_plus_plus"
            and self.policy_loss == "geo_mean"
        ):
            yield Contradiction(
                ("policy_loss", "advantage", "use_kl_in_reward"),
                self.policy_loss,
                "geo_mean takes one advantage for a sequence; with KL in the reward each token has its own",
                "take another policy_loss, or set use_kl_in_reward=false",
            )
        if self.overlong_buffer.len >= self.max_tokens:
            yield Contradiction(
                ("overlong_buffer.len", "max_tokens"),
                self.overlong_buffer.len,
                f"no reply of at most max_tokens={self.max_tokens} tokens would go unpunished",
                "give fewer tokens than max_tokens",
            )
