"""Truncated importance sampling against its formula (verl's names), in whichever micro-batches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from one_micro_batch import collated
from tiny import policy_sequences

from psyche_rl.config.grpo import GrpoConfig
from psyche_rl.learner.objectives import Denominators, PolicyObjective, policy_loss

C = 1.3


@pytest.fixture(scope="module")
def sequences():
    """Old log-probabilities on both sides of those of the engine."""
    draw = np.random.default_rng(5)
    return [
        replace(s, rollout_logprobs=s.old_logprobs + draw.normal(scale=0.3, size=len(s.mask)))
        for s in policy_sequences()
    ]


def computed(sequences, objective, cut):
    held = [s.mask for s in sequences]
    denominators = Denominators(int(np.concatenate(held).sum()), sum(mask.any() for mask in held))
    found, sums = [np.zeros(len(mask)) for mask in held], {}
    for members in cut:
        part = [sequences[i] for i in members]
        batch = collated(part)
        places = [members[m] for m in batch.members]
        now = torch.tensor(
            np.concatenate([sequences[i].old_logprobs + 0.05 for i in places]), requires_grad=True
        )
        loss, metrics = policy_loss(now, torch.zeros_like(now), batch, part, objective, denominators)
        loss.backward()
        sums = {name: sums.get(name, 0.0) + metrics[name] for name in objective.summed}
        for i, slope in zip(places, batch.split(now.grad.numpy()), strict=True):
            found[i] = slope
    return found, sums, denominators.tokens


def weights(sequences, level):
    found = []
    for s in sequences:
        gap = (s.old_logprobs - s.rollout_logprobs) * s.mask
        ratio = np.exp(gap) if level == "token" else np.full(len(gap), np.exp(gap.sum()))
        found.append(np.minimum(ratio, C) * s.mask)
    return found


@pytest.mark.parametrize("cut", [[[*range(9)]], [[i] for i in range(9)], [[8, 1], [*range(2, 8), 0]]])
@pytest.mark.parametrize("level", ["token", "sequence"])
def test_each_tokens_gradient_is_weighed_by_the_truncated_ratio(sequences, level, cut):
    plain, _, tokens = computed(sequences, PolicyObjective(), cut)
    objective = PolicyObjective(rollout_is=level, rollout_is_threshold=C)
    weighed, sums, _ = computed(sequences, objective, cut)
    wanted = weights(sequences, level)
    for mine, before, weight in zip(weighed, plain, wanted, strict=True):
        np.testing.assert_allclose(mine, before * weight, rtol=1e-6, atol=1e-12)
    every = np.concatenate(wanted)
    assert sums["is_mean"] == pytest.approx(every.sum() / tokens, rel=1e-6)
    assert sums["is_truncated"] == pytest.approx((every >= C).sum() / tokens)
    assert 0 < sums["is_truncated"] < 1


def test_fresh_tokens_weigh_one(sequences):
    fresh = [replace(s, rollout_logprobs=s.old_logprobs) for s in sequences]
    cut = [[*range(9)]]
    plain = computed(fresh, PolicyObjective(), cut)[0]
    weighed = computed(fresh, PolicyObjective(rollout_is="token"), cut)[0]
    for mine, before in zip(weighed, plain, strict=True):
        np.testing.assert_array_equal(mine, before)


def test_the_config_corrects_where_tokens_may_be_stale():
    def of(**keys):
        return PolicyObjective.from_config(GrpoConfig.model_validate(keys))

    assert of().rollout_is is None
    stale = of(staleness=1, rollout_is_threshold=3.0)
    assert (stale.rollout_is, stale.rollout_is_threshold) == ("token", 3.0)
    assert of(staleness=2, rollout_is="sequence").rollout_is == "sequence"
    assert of(staleness=1, rollout_is=None).rollout_is is None
    with pytest.raises(ValueError, match=r"rollout_is.*bypass_mode"):
        of(staleness=1, bypass_mode=True)
    of(staleness=1, bypass_mode=True, rollout_is=None)


def test_a_sequence_without_the_engines_logprobs_is_refused(sequences):
    with pytest.raises(ValueError, match="no rollout_logprobs"):
        computed(
            [replace(s, rollout_logprobs=None) for s in sequences],
            PolicyObjective(rollout_is="token"),
            [[*range(9)]],
        )
