"""Advantages of groups of samples, by verl's estimators, with failed scores left out of the baseline.

Collaborators: ``verl.trainer.ppo.core_algos`` (registry of estimators, imported on first use).
Invariants: a sample without a reward has no advantage and does not move its group's baseline; a group
with fewer than two rewards has no baseline, so none of its samples has an advantage.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence


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
        normalize_by_std: divide by the group's standard deviation (False: Dr.GRPO).

    Raises:
        ConfigError: no such estimator, or it needs more than outcome rewards (gae, remax, ...).
    """
    raise NotImplementedError
