"""What is added to the scores of a step: DAPO's overlong punishment, and the KL to the reference.

Pure. Collaborators: ``step_batch`` joins the rewards with their samples; ``verl.trainer.ppo.core_algos`` has
the estimators of the KL (imported on first use).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from psyche_rl.config.grpo import GrpoConfig
from rewards import OverlongPenalty, RewardSample, Score

OVERLONG = "overlong_buffer"
"""The part of a score that the punishment makes."""


def punished(score: Score, tokens: int, sample: RewardSample, config: GrpoConfig) -> Score:
    """The score of a reply of ``tokens`` tokens with the punishment as one more part, where there is one.

    Source: DAPO (arXiv 2503.14476) equation 13; verl's reward manager ``dapo``.
    """
    buffer = config.overlong_buffer
    if not buffer.len or score.value is None:
        return score
    measured = sample.model_copy(update={"response_tokens": tokens})
    beyond = OverlongPenalty(config.max_tokens, buffer.len).score(measured).value or 0.0
    penalty = buffer.penalty_factor * beyond
    return Score.of(score.value + penalty, {**score.parts, OVERLONG: penalty})


def kl_penalties(
    policy: Sequence[np.ndarray], reference: Sequence[np.ndarray], config: GrpoConfig
) -> list[np.ndarray]:
    """``kl_coef`` x KL of each sampled token, by ``kl_estimator``: [response] float64 for each sample.

    Args:
        policy, reference: log-probabilities [response] of the sampled tokens under the policy that sampled
            them and under the reference, at one temperature.
    """
    import torch
    from verl.trainer.ppo.core_algos import kl_penalty

    def one(now: np.ndarray, then: np.ndarray) -> np.ndarray:
        ours, theirs = (torch.from_numpy(np.asarray(array, dtype=np.float64)) for array in (now, then))
        kl: np.ndarray = kl_penalty(ours, theirs, config.kl_estimator).numpy()  # type: ignore[arg-type]
        return config.kl_coef * kl

    return [one(now, then) for now, then in zip(policy, reference, strict=True)]


def per_token(reward: float, penalty: np.ndarray) -> np.ndarray:
    """One reward per token: the outcome's at the last one, and of each its own penalty taken off.

    Source: verl's ``apply_kl_penalty``.
    """
    rewards = -penalty
    rewards[-1] += reward
    return rewards
