"""Metrics of the policy step count the tokens that are trained on, and no others."""

import numpy as np
import pytest
import torch
from one_micro_batch import collated

from psyche_rl.learner.objectives import Denominators, PolicyObjective, policy_loss
from psyche_rl.learner.sequence import PolicySequence


def test_masked_tokens_have_no_part_in_any_metric(one_rank):
    sequence = PolicySequence(
        np.array([5, 6, 7, 8]),
        1,
        old_logprobs=np.array([-1.0, -1.0, -9.0]),
        advantages=np.array([1.0, 1.0, 100.0]),
        mask=np.array([True, True, False]),
        reference_logprobs=np.array([-1.0, -1.0, -9.0]),
    )
    batch = collated([sequence])
    logprobs = torch.tensor([-1.0, -1.1, -2.0], dtype=torch.float64)
    entropy = torch.tensor([1.0, 3.0, 50.0], dtype=torch.float64)
    objective = PolicyObjective(kl_coef=0.5)
    _, metrics = policy_loss(logprobs, entropy, batch, [sequence], objective, Denominators(2, 1))
    ratios = [1.0, np.exp(-0.1)]
    assert metrics["entropy"] == pytest.approx(2.0)
    assert metrics["ratio_mean"] == pytest.approx(np.mean(ratios))
    assert metrics["ratio_max"] == pytest.approx(1.0)
    assert metrics["approx_kl"] == pytest.approx(0.05)
    assert metrics["clip_fraction"] == pytest.approx(0.0)
    assert metrics["kl"] == pytest.approx((np.exp(0.1) - 0.1 - 1) / 2)
    assert metrics["policy_loss"] == pytest.approx(-np.mean(ratios))
