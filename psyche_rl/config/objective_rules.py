"""Which keys of the policy objective cannot go together, each with its remedy.

Pure. Collaborators: ``grpo.py``, whose keys these are; the rules follow from what verl's losses do with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from psyche_rl.config.base import Contradiction

if TYPE_CHECKING:
    from psyche_rl.config.grpo import GrpoConfig

PER_SEQUENCE = ("sapo", "geo_mean")
"""Losses that average each sequence by itself, whatever ``loss_aggregation`` says."""
UNORDERED = ("cispo", "dppo_tv", "dppo_kl")
"""Losses that clip a weight or bound a divergence: their lower side may be the wider one."""


def objective_contradictions(grpo: GrpoConfig) -> Iterator[Contradiction]:
    """Clip range, aggregation, KL and length penalty suit the loss and each other."""
    low, high = grpo.clip_range
    if low > high and grpo.policy_loss not in UNORDERED:
        yield Contradiction(
            ("clip_ratio_low", "clip_ratio_high"),
            low,
            f"the ratio may fall by more than it may rise (clip_ratio_high={high:g})",
            "raise clip_ratio_high (clip-higher) or lower clip_ratio_low",
        )
    if grpo.policy_loss in PER_SEQUENCE and grpo.loss_aggregation != "seq-mean-token-mean":
        yield Contradiction(
            ("loss_aggregation", "policy_loss"),
            grpo.loss_aggregation,
            f"policy_loss={grpo.policy_loss} averages each sequence by itself",
            "set loss_aggregation=seq-mean-token-mean",
        )
    if grpo.use_kl_in_reward and grpo.kl_estimator.endswith("+"):
        yield Contradiction(
            ("kl_estimator", "use_kl_in_reward"),
            grpo.kl_estimator,
            "the + changes a gradient, and a reward has none",
            f"take {grpo.kl_estimator.removesuffix('+')}",
        )
    if grpo.use_kl_in_reward and grpo.advantage == "reinforce_plus_plus" and grpo.policy_loss == "geo_mean":
        yield Contradiction(
            ("policy_loss", "advantage", "use_kl_in_reward"),
            grpo.policy_loss,
            "geo_mean takes one advantage for a sequence, and with KL in the reward each token has its own",
            "take another policy_loss, or set use_kl_in_reward=false",
        )
    if grpo.overlong_buffer.len >= grpo.max_tokens:
        yield Contradiction(
            ("overlong_buffer.len", "max_tokens"),
            grpo.overlong_buffer.len,
            f"no reply of at most max_tokens={grpo.max_tokens} tokens would go unpunished",
            "give fewer tokens than max_tokens",
        )
