"""Every loss against its paper's formula, value and gradient, in whichever micro-batches it is computed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import published
import pytest
import torch
from one_micro_batch import collated
from tiny import policy_sequences

from psyche_rl.config.verl_names import LOSS_AGGREGATIONS, POLICY_LOSSES
from psyche_rl.learner.objectives import SUMMED, Denominators, PolicyObjective, policy_loss
from psyche_rl.learner.packed_batch import filler

CPU = torch.device("cpu")
DUAL = 1.5
"""Low enough that some tokens meet it."""
ALONE = [[n] for n in range(9)]
CUTS = {
    "one by one": ALONE,
    "in threes": [[0, 1, 2], [3, 4, 5], [6, 7, 8]],
    "uneven": [[8, 1], [*range(2, 8), 0]],
}


@pytest.fixture(scope="module")
def sequences():
    return policy_sequences()


@pytest.fixture(scope="module")
def drawn(sequences):
    """Logprobs near the old ones on both sides, and entropies."""
    draw = np.random.default_rng(3)
    logprobs = [s.old_logprobs + draw.normal(scale=0.4, size=len(s.mask)) for s in sequences]
    return logprobs, [draw.random(len(s.mask)) for s in sequences]


def computed(sequences, drawn, objective, cut=([*range(9)],)):
    """Loss, gradients by logprob and by entropy of each sequence, and summed metrics."""
    denominators = Denominators(
        sum(int(s.mask.sum()) for s in sequences), sum(s.mask.any() for s in sequences)
    )
    loss, sums = 0.0, dict.fromkeys(SUMMED, 0.0)
    slopes = [[np.zeros(len(s.mask)) for s in sequences] for _ in drawn]
    for members in cut:
        held = [sequences[i] for i in members]
        batch = collated(held)
        places = [members[m] for m in batch.members]
        given = [
            torch.tensor(np.concatenate([values[i] for i in places]), requires_grad=True) for values in drawn
        ]
        share, metrics = policy_loss(*given, batch, held, objective, denominators)
        share.backward()
        loss += share.item()
        sums = {name: sums[name] + metrics[name] for name in SUMMED}
        for flat, slope in zip(given, slopes, strict=True):
            grad = np.zeros(len(flat)) if flat.grad is None else flat.grad.numpy()
            for i, part in zip(places, batch.split(grad), strict=True):
                slope[i] = part
    return loss, *slopes, sums


@pytest.mark.parametrize("aggregation", LOSS_AGGREGATIONS)
@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("vanilla", 0.2, 0.28), ("gspo", 0.05, 0.1), ("cispo", 10.0, 0.2), ("cispo", 0.1, 0.3)],
)
def test_loss_and_gradient_are_the_published_ones(sequences, drawn, name, low, high, aggregation):
    objective = PolicyObjective(
        policy_loss=name, loss_aggregation=aggregation, clip_ratio_low=low, clip_ratio_high=high,
        clip_ratio_c=DUAL, kl_coef=0.05, entropy_coeff=0.01, max_response_tokens=published.LONGEST,
    )  # fmt: skip
    loss, by_logprob, by_entropy, sums = computed(sequences, drawn, objective)
    expected, slopes, entropy_slopes = published.objective(
        sequences, *drawn, name=name, aggregation=aggregation, low=low, high=high, dual=DUAL, kl_coef=0.05,
        entropy_coeff=0.01,
    )  # fmt: skip
    # verl adds 1e-8 to the tokens of a sequence before it divides by them.
    near = {"rtol": 1e-7 if aggregation == "seq-mean-token-mean" else 1e-10, "atol": 1e-12}
    np.testing.assert_allclose(loss, expected, **near)
    np.testing.assert_allclose(sums["loss"], expected, **near)
    for mine, theirs in zip(by_logprob + by_entropy, slopes + entropy_slopes, strict=True):
        np.testing.assert_allclose(mine, theirs, **near)


def test_each_side_of_the_clip_and_the_dual_clip_are_met(sequences, drawn):
    ratio = np.exp(np.concatenate(drawn[0]) - np.concatenate([s.old_logprobs for s in sequences]))
    kept, sign = (
        np.concatenate([f(s) for s in sequences]) for f in (lambda s: s.mask, lambda s: s.advantages)
    )
    assert ((ratio > 1.28) & (sign > 0) & kept).any()
    assert ((ratio < 0.8) & (sign < 0) & kept).any()
    assert ((ratio > DUAL) & (sign < 0) & kept).any()


@pytest.mark.parametrize("side", ["clip_ratio_low", "clip_ratio_high"])
def test_a_side_that_is_unset_is_the_clip_ratio(sequences, drawn, side):
    both = PolicyObjective(clip_ratio_low=0.1, clip_ratio_high=0.1)
    one = replace(both, **{side: None}, clip_ratio=0.1)
    assert computed(sequences, drawn, one)[0] == computed(sequences, drawn, both)[0]
    other = replace(one, clip_ratio=0.3)
    assert computed(sequences, drawn, other)[0] != computed(sequences, drawn, both)[0]


def test_the_geometric_mean_is_the_published_one(sequences, drawn):
    objective = PolicyObjective(policy_loss="geo_mean", clip_ratio=0.4)
    for cut in ([[*range(9)]], *CUTS.values()):
        loss = computed(sequences, drawn, objective, cut)[0]
        assert loss == pytest.approx(published.geo_mean(sequences, drawn[0], 0.4, 0.4), rel=1e-7)


@pytest.mark.parametrize("name", [name for name, fault in POLICY_LOSSES.items() if fault is None])
@pytest.mark.parametrize("cut", CUTS)
def test_gradients_do_not_depend_on_the_micro_batches(sequences, drawn, name, cut):
    objective = PolicyObjective(
        policy_loss=name, kl_coef=0.05, entropy_coeff=0.01, loss_aggregation="seq-mean-token-mean"
    )
    loss, by_logprob, by_entropy, sums = computed(sequences, drawn, objective)
    parts = computed(sequences, drawn, objective, CUTS[cut])
    assert parts[0] == pytest.approx(loss, rel=1e-12)
    assert parts[3] == pytest.approx(sums, rel=1e-7)
    for mine, theirs in zip(parts[1] + parts[2], by_logprob + by_entropy, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-15)
    assert max(np.abs(slope).max() for slope in by_logprob) > 1e-3


@pytest.mark.parametrize("name", ["clip_cov", "kl_cov"])
def test_a_loss_that_is_refused_for_its_micro_batches_depends_on_them(sequences, drawn, name):
    assert "micro-batch" in (POLICY_LOSSES[name] or "")
    objective = PolicyObjective(policy_loss=name)
    whole, parts = (computed(sequences, drawn, objective, cut)[0] for cut in ([[*range(9)]], ALONE))
    assert parts != pytest.approx(whole, rel=1e-6)


def test_the_entropy_is_rewarded_only_where_it_has_a_gradient(sequences, drawn):
    held = [sequences[0]]
    batch = collated(held)
    flat = [torch.tensor(values[0], requires_grad=True) for values in drawn]
    objective = PolicyObjective(entropy_coeff=0.01)
    assert objective.needs_entropy_gradient
    assert not PolicyObjective().needs_entropy_gradient
    with pytest.raises(ValueError, match="entropy carries no gradient"):
        policy_loss(flat[0], flat[1].detach(), batch, held, objective, Denominators(1, 1))
    policy_loss(flat[0], flat[1].detach(), batch, held, PolicyObjective(), Denominators(1, 1))


def test_a_filler_has_no_part_in_the_entropy_bonus():
    nothing = torch.zeros(0, dtype=torch.float64, requires_grad=True)
    loss, metrics = policy_loss(
        nothing, nothing.detach(), filler(CPU), [], PolicyObjective(entropy_coeff=1.0), Denominators(3, 1)
    )
    assert (loss.item(), metrics["entropy"]) == (0.0, 0.0)
