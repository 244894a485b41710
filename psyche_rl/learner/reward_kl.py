"""KL to the reference as a part of the reward, token by token.

Collaborators: ``verl.trainer.ppo.core_algos`` (estimators, imported on first use); the step's batch takes it
off the rewards before advantages are estimated (verl's ``apply_kl_penalty``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def sampled_kl(
    policy: Sequence[np.ndarray], reference: Sequence[np.ndarray], estimator: str
) -> list[np.ndarray]:
    """KL of each sampled token in nats, as verl's ``estimator`` has it: [response] float64 for each sample.

    Args:
        policy, reference: log-probabilities [response] of the sampled tokens under the policy that sampled
            them and under the reference, at one temperature.
    """
    import torch
    from verl.trainer.ppo.core_algos import kl_penalty

    def one(now: np.ndarray, then: np.ndarray) -> np.ndarray:
        pair = (torch.from_numpy(np.asarray(array, dtype=np.float64)) for array in (now, then))
        values: np.ndarray = kl_penalty(*pair, estimator).numpy()  # type: ignore[arg-type]
        return values

    return [one(now, then) for now, then in zip(policy, reference, strict=True)]
