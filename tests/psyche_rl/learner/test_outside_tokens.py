"""Tokens that the policy's own filter leaves out: ratio 0, no gradient, counted, and never a NaN."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from one_micro_batch import collated

from psyche_rl.config.verl_names import POLICY_LOSSES
from psyche_rl.learner.objectives import SUMMED, Denominators, PolicyObjective, policy_loss
from psyche_rl.learner.sequence import PolicySequence
from psyche_rl.rollout.sampling import Sampling

INF = float("inf")
NUCLEUS = PolicyObjective(kl_coef=0.5, entropy_coeff=0.1, sampling=Sampling(top_p=0.9))


def sequence(old=(-1.0, -1.2, -2.0, -0.7), mask=(True, True, True, False)) -> PolicySequence:
    return PolicySequence(
        np.arange(5),
        1,
        old_logprobs=None if old is None else np.array(old),
        advantages=np.array([1.0, -2.0, 3.0, 100.0]),
        mask=np.array(mask),
        reference_logprobs=np.array([-1.0, -1.3, -1.5, -0.7]),
    )


def computed(one: PolicySequence, now, objective=NUCLEUS, tokens=3):
    logprobs = torch.tensor(now, dtype=torch.float64, requires_grad=True)
    entropy = torch.tensor([0.5, 0.6, 0.7, 9.0], dtype=torch.float64, requires_grad=True)
    batch = collated([one])
    loss, metrics = policy_loss(logprobs, entropy, batch, [one], objective, Denominators(tokens, 1))
    loss.backward()
    return loss.item(), metrics, logprobs.grad.tolist(), entropy.grad.tolist()


@pytest.mark.parametrize("where", ["now", "old", "both"])
def test_a_token_outside_is_as_good_as_masked_but_for_the_denominator(where):
    now, old = [-1.0, -1.2, -2.1, -0.7], [-1.0, -1.2, -2.0, -0.7]
    if where in ("now", "both"):
        now[1] = -INF
    if where in ("old", "both"):
        old[1] = -INF
    loss, metrics, *gradients = computed(sequence(old), now)
    without = sequence(mask=(True, False, True, False))
    wanted, figures, *right = computed(without, [-1.0, -1.2, -2.1, -0.7])
    assert loss == pytest.approx(wanted)
    assert gradients == right
    assert gradients[0][1] == gradients[1][1] == 0
    assert metrics == pytest.approx({**figures, "outside_share": 1 / 3})
    assert figures["outside_share"] == 0
    assert all(np.isfinite(value) for value in metrics.values())


def test_the_token_counts_as_one_of_ratio_0():
    """The clipped surrogate of ratio 0 is 0 where the advantage is positive: the mean is over three."""
    _, metrics, *_ = computed(sequence(), [-1.0, -1.2, -INF, -0.7], replace(NUCLEUS, kl_coef=0.0))
    assert metrics["policy_loss"] == pytest.approx((-1.0 + 2.0 + 0.0) / 3)
    assert metrics["ratio_mean"] == pytest.approx(2 / 3)
    assert metrics["ratio_max"] == pytest.approx(1)


def test_old_logprobs_of_this_very_pass_may_be_outside_too():
    loss, metrics, gradient, _ = computed(sequence(None), [-INF, -1.2, -2.1, -INF])
    assert metrics["outside_share"] == pytest.approx(1 / 3), "what is masked anyway does not count"
    assert np.isfinite([loss, *gradient]).all()
    assert gradient[0] == gradient[3] == 0


def test_a_sequence_of_outside_tokens_alone_adds_nothing():
    loss, metrics, gradient, _ = computed(sequence(), [-INF] * 4)
    assert (loss, gradient, metrics["outside_share"]) == (0, [0] * 4, 1)


@pytest.mark.parametrize("name", [name for name, fault in POLICY_LOSSES.items() if fault is None])
def test_no_loss_of_verl_makes_numbers_that_are_none_of_it(name):
    objective = replace(NUCLEUS, policy_loss=name, clip_ratio_c=20.0, loss_aggregation="seq-mean-token-mean")
    loss, metrics, *gradients = computed(sequence(), [-1.0, -INF, -2.1, -0.7], objective)
    assert np.isfinite([loss, *metrics.values(), *gradients[0], *gradients[1]]).all()
    assert gradients[0][1] == 0


@pytest.mark.parametrize("level", ["token", "sequence"])
def test_importance_sampling_of_stale_tokens_leaves_them_out(level):
    objective = replace(NUCLEUS, rollout_is=level)
    stale = np.array([-1.1, -0.4, -2.3, -0.7])
    old = (-1.0, -INF, -2.0, -0.7)
    loss, metrics, *gradients = computed(
        replace(sequence(old), rollout_logprobs=stale), [-1.0, -1.2, -2.1, -0.7], objective
    )
    masked = replace(sequence(mask=(True, False, True, False)), rollout_logprobs=stale)
    wanted, figures, *right = computed(masked, [-1.0, -1.2, -2.1, -0.7], objective)
    assert loss == pytest.approx(wanted)
    assert gradients == right
    assert metrics == pytest.approx({**figures, "outside_share": 1 / 3})


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(0.5)])
def test_without_filters_no_token_is_excused(sampling):
    """verl clamps the ratio, so that the loss alone would not tell."""
    now = [-1.0, -INF, -2.1, -0.7]
    _, metrics, *_ = computed(sequence(), now, replace(NUCLEUS, sampling=sampling))
    assert not np.isfinite(metrics["approx_kl"])
    assert metrics["outside_share"] == 0


def test_with_filters_a_number_that_is_none_still_spoils_the_loss():
    loss, *_ = computed(sequence(), [-1.0, float("nan"), -2.1, -0.7])
    assert np.isnan(loss)


def test_the_share_is_one_of_the_figures_that_add_up():
    assert "outside_share" in SUMMED
