"""Advantages of groups of samples, by verl's estimators, with failed scores left out of the baseline.

Collaborators: ``verl.trainer.ppo.core_algos`` (registry of estimators, imported on first use).
Invariants:
- A sample without a reward has no advantage, moves no baseline and has no part in a whitening.
- A group with fewer than two rewards has no baseline, so none of its samples has an advantage.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from psyche_rl.errors import ConfigError

_GIVEN = {"token_level_rewards", "response_mask", "index", "config", "gamma"}
"""Parameters of verl's estimators that rewards can fill."""
PER_GROUP = ("grpo", "grpo_vectorized", "grpo_passk", "rloo", "rloo_vectorized", "opo")
"""Estimators that look at one group at a time; the others whiten or scale over all samples given."""


def group_advantages(
    rewards: Sequence[float | None],
    groups: Sequence[Hashable],
    response_lengths: Sequence[int],
    estimator: str = "grpo",
    normalize_by_std: bool = True,
) -> list[float | None]:
    """One advantage per sample, in the order given; None where the sample must be masked.

    Args:
        rewards: one outcome reward per sample; None where the scorer failed.
        groups: the prompt each sample belongs to.
        response_lengths: tokens per response (estimators such as OPO weigh by them).
        estimator: a name in verl's registry that needs outcome rewards only: grpo, rloo, ...
        normalize_by_std: divide by the group's standard deviation (False: Dr.GRPO); grpo only.

    Raises:
        ConfigError: no such estimator, or it needs more than outcome rewards (gae, remax, ...).
    """
    at_the_end = [
        None if reward is None else np.concatenate([np.zeros(tokens - 1), [reward]])
        for reward, tokens in zip(rewards, response_lengths, strict=True)
    ]
    # With one reward at the end and no discount every token of a response has the same advantage.
    per_token = token_advantages(at_the_end, groups, estimator, normalize_by_std)
    return [None if values is None else float(values[0]) for values in per_token]


def token_advantages(
    rewards: Sequence[np.ndarray | None],
    groups: Sequence[Hashable],
    estimator: str = "grpo",
    normalize_by_std: bool = True,
) -> list[np.ndarray | None]:
    """The same from one reward per token: arrays [response], None where the sample must be masked.

    Estimators of outcomes (grpo, rloo, opo, ...) add up a response's rewards; ``reinforce_plus_plus`` gives
    each token the sum from it to the end, whitened over all tokens of all samples given.

    Args:
        rewards: [response] for each sample; None where it has none.

    Raises:
        ConfigError: no such estimator, or it needs more than rewards (gae, remax, ...).
    """
    estimate = _estimator(estimator)
    scored = Counter(group for group, reward in zip(groups, rewards, strict=True) if reward is not None)
    # verl takes a lone sample's baseline to be 0, which would turn its raw reward into an advantage.
    kept = [(i, r) for i, r in enumerate(rewards) if r is not None and scored[groups[i]] > 1]
    advantages: list[np.ndarray | None] = [None] * len(rewards)
    if kept:
        found = _run(estimate, [r for _, r in kept], [groups[i] for i, _ in kept], normalize_by_std)
        for (i, reward), values in zip(kept, found, strict=True):
            advantages[i] = values[: len(reward)]
    return advantages


def _estimator(name: str) -> Callable[..., Any]:
    from verl.trainer.ppo import core_algos

    if name not in core_algos.ADV_ESTIMATOR_REGISTRY:
        known = ", ".join(sorted(core_algos.ADV_ESTIMATOR_REGISTRY))
        raise ConfigError(f"grpo.advantage: verl knows no '{name}'; it knows {known}")
    estimate: Callable[..., Any] = core_algos.get_adv_estimator_fn(name)
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    needed = [
        p.name
        for p in inspect.signature(estimate).parameters.values()
        if p.default is p.empty and p.kind not in kinds and p.name not in _GIVEN
    ]
    if needed:
        raise ConfigError(f"grpo.advantage: '{name}' needs {', '.join(needed)}, which outcome rewards lack")
    return estimate


def _run(
    estimate: Callable[..., Any],
    rewards: Sequence[np.ndarray],
    groups: Sequence[Hashable],
    normalize_by_std: bool,
) -> np.ndarray:
    import torch
    from verl.trainer.config import AlgoConfig

    number = {group: n for n, group in enumerate(dict.fromkeys(groups))}
    lengths = np.asarray([len(values) for values in rewards])
    mask = np.arange(lengths.max())[None, :] < lengths[:, None]
    token_rewards = np.zeros(mask.shape)
    token_rewards[mask] = np.concatenate(rewards)
    arguments = {
        # float64: in float32 a group of equal rewards can get a mean that is off by one bit, which
        # the division by (0 + 1e-6) blows up into an advantage.
        "token_level_rewards": torch.from_numpy(token_rewards),
        "response_mask": torch.from_numpy(mask.astype(np.float64)),
        "index": np.asarray([number[group] for group in groups]),
        "config": AlgoConfig(norm_adv_by_std_in_grpo=normalize_by_std),
        "norm_adv_by_std_in_grpo": normalize_by_std,
    }
    accepted = inspect.signature(estimate).parameters
    advantages, _ = estimate(**{k: v for k, v in arguments.items() if k in accepted})
    found: np.ndarray = advantages.numpy()
    return found
