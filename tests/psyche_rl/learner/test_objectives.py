"""The policy objective against the published formulas, in numpy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from one_micro_batch import collated
from tiny import make_model, policy_sequences, policy_step

from psyche_rl.config.grpo import GrpoConfig
from psyche_rl.errors import ConfigError
from psyche_rl.learner.objectives import Denominators, PolicyObjective, _verl_config
from psyche_rl.learner.partial_gradient import PartialGradient
from psyche_rl.rollout.sampling import Sampling


def by_hand(sequences, logprobs, aggregation, clip=0.2, beta=0.05, longest=20):
    """GRPO as TRL documents it (grpo_trainer: loss types "bnpo", "grpo", "dr_grpo").

    Per token: -min(r A, clip(r, 1-e, 1+e) A) + beta * (exp(ref - lp) - (ref - lp) - 1), and dual clip at
    3 for negative advantages (verl's addition, Ye et al. 2020).
    """
    losses, kls, masks = [], [], []
    for s, lp in zip(sequences, logprobs, strict=True):
        ratio, a = np.exp(lp - s.old_logprobs), s.advantages
        surrogate = np.maximum(-ratio * a, -np.clip(ratio, 1 - clip, 1 + clip) * a)
        surrogate = np.where(a < 0, np.minimum(surrogate, -3.0 * a), surrogate)
        gap = s.reference_logprobs - lp
        kls.append(np.minimum(np.exp(gap) - gap - 1, 10))  # verl's cap
        losses.append(surrogate + beta * kls[-1])
        masks.append(s.mask)
    tokens, kept = sum(m.sum() for m in masks), [i for i, m in enumerate(masks) if m.any()]
    sums = [(losses[i] * masks[i]).sum() for i in kept]
    loss = {
        "token-mean": sum(sums) / tokens,
        "seq-mean-token-mean": np.mean([x / masks[i].sum() for x, i in zip(sums, kept, strict=True)]),
        "seq-mean-token-sum": np.mean(sums),
        "seq-mean-token-sum-norm": np.mean(sums) / longest,
    }[aggregation]
    kl = sum((k * m).sum() for k, m in zip(kls, masks, strict=True)) / tokens
    return loss, kl


@pytest.mark.parametrize(
    "aggregation", ["token-mean", "seq-mean-token-mean", "seq-mean-token-sum", "seq-mean-token-sum-norm"]
)
def test_loss_and_metrics_are_the_published_formulas(tmp_path, new_learner, aggregation):
    learner, sequences = new_learner(make_model(tmp_path), dtype="float64"), policy_sequences()
    logprobs = learner.logprobs(sequences)
    objective = PolicyObjective(loss_aggregation=aggregation, kl_coef=0.05, max_response_tokens=20)
    metrics = policy_step(learner, sequences, objective)
    loss, kl = by_hand(sequences, logprobs, aggregation)
    assert metrics["loss"] == pytest.approx(loss, rel=1e-6)  # verl adds 1e-8 to token counts
    assert metrics["kl"] == pytest.approx(kl, rel=1e-9)
    kept = np.concatenate([s.mask for s in sequences])
    old = np.concatenate([s.old_logprobs for s in sequences])[kept]
    ratio = np.exp(np.concatenate(logprobs)[kept] - old)
    advantage = np.concatenate([s.advantages for s in sequences])[kept]
    clipped = np.where(advantage > 0, ratio > 1.2, ratio < 0.8)
    assert metrics["clip_fraction"] == pytest.approx(clipped.mean(), rel=1e-6)
    assert metrics["ratio_max"] == pytest.approx(ratio.max())
    assert metrics["ratio_mean"] == pytest.approx(ratio.mean())
    assert metrics["approx_kl"] == pytest.approx(-np.log(ratio).mean())
    assert metrics["tokens"] == kept.sum()
    assert 0 < metrics["entropy"] < np.log(97)


def test_one_hand_computed_token():
    """ratio e^0.5 with advantage 2 is clipped to 1.2: loss -2.4; KL to a reference 0.1 above."""
    import torch

    from psyche_rl.learner.objectives import Denominators, policy_loss
    from psyche_rl.learner.sequence import PolicySequence

    s = PolicySequence.of([1], [2], [-1.5], 2.0, reference_logprobs=np.array([-0.9]))
    batch = collated([s])
    lp = torch.tensor([-1.0], dtype=torch.float64, requires_grad=True)
    objective = PolicyObjective(kl_coef=0.5)
    loss, metrics = policy_loss(lp, torch.zeros(1), batch, [s], objective, Denominators(1, 1))
    kl = np.exp(0.1) - 0.1 - 1
    assert loss.item() == pytest.approx(-2.4 + 0.5 * kl)
    assert metrics["kl"] == pytest.approx(kl)
    assert metrics["clip_fraction"] == pytest.approx(1.0)
    loss.backward()
    # The clipped surrogate has no gradient; the KL's is beta * (1 - exp(ref - lp)).
    assert lp.grad.item() == pytest.approx(0.5 * (1 - np.exp(0.1)))


@pytest.mark.parametrize("name", ["gspo", "cispo", "geo_mean", "dppo_tv", "dppo_kl", "gpg", "sapo"])
def test_verls_other_losses_run_by_name(tmp_path, new_learner, name):
    metrics = policy_step(
        new_learner(make_model(tmp_path)),
        policy_sequences(),
        PolicyObjective(policy_loss=name, kl_coef=0.001),
    )
    assert all(np.isfinite(v) for v in metrics.values())
    assert metrics["grad_norm"] > 0


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"policy_loss": "vanila"}, "grpo.policy_loss"),
        ({"loss_aggregation": "mean"}, "grpo.loss_aggregation"),
        ({"kl_estimator": "k9", "kl_coef": 0.1}, "grpo.kl_estimator"),
    ],
)
def test_a_wrong_name_is_a_config_error(tmp_path, new_learner, wrong, says):
    with pytest.raises(ConfigError, match=says):
        policy_step(new_learner(make_model(tmp_path)), policy_sequences(2), PolicyObjective(**wrong))


def test_a_step_of_masked_tokens_alone_changes_nothing(tmp_path, new_learner):
    masked = [replace(s, mask=np.zeros_like(s.mask)) for s in policy_sequences(3)]
    step = policy_step(new_learner(make_model(tmp_path)), masked, PolicyObjective())
    assert (step["tokens"], step["loss"], step["grad_norm"]) == (0, 0.0, 0.0)


def test_verl_is_given_the_objective_and_the_counts_of_the_whole_step():
    objective = PolicyObjective("gpg", "seq-mean-token-sum-norm", clip_ratio=0.3, max_response_tokens=9)
    config = _verl_config(objective, Denominators(7, 3))
    assert (config.clip_ratio, config.clip_ratio_low, config.clip_ratio_high) == (0.3, 0.3, 0.3)
    assert (config.strategy, config.rollout_n, config.use_dynamic_bsz) == ("fsdp2", 1, True)
    assert (config.loss_agg_mode, config.policy_loss.loss_mode) == ("seq-mean-token-sum-norm", "gpg")
    counts = {"batch_num_tokens": 7, "global_batch_size": 3, "loss_scale_factor": 9}
    assert config.global_batch_info.items() >= counts.items()
    nothing = _verl_config(PolicyObjective(), Denominators(0, 0)).global_batch_info
    assert nothing.items() >= {"batch_num_tokens": 1, "global_batch_size": 1}.items()
    with pytest.raises(ValueError, match="seq-mean-token-sum-norm needs max_response_tokens"):
        _verl_config(replace(objective, max_response_tokens=None), Denominators(7, 3))


def test_the_objective_is_grpo_without_kl_unless_told_otherwise():
    assert PolicyObjective() == PolicyObjective(
        policy_loss="vanilla", loss_aggregation="token-mean", clip_ratio=0.2, kl_coef=0.0,
        kl_estimator="low_var_kl", sampling=Sampling(), max_response_tokens=None,
    )  # fmt: skip
    config = GrpoConfig(clip_ratio=0.3, kl_coef=0.01, temperature=0.7, max_tokens=99)
    assert PolicyObjective.from_config(config) == PolicyObjective(
        config.policy_loss, config.loss_aggregation, 0.3, 0.01, config.kl_estimator, Sampling(0.7), 99
    )


@pytest.mark.parametrize(
    ("aggregation", "divisor"),
    [("token-sum", 1), ("token-mean", 120), ("seq-mean-token-mean", 8), ("seq-mean-token-sum", 8)],
)
def test_what_a_loss_is_divided_by(aggregation, divisor):
    objective = replace(PolicyObjective.from_config(GrpoConfig()), loss_aggregation=aggregation)
    assert objective.divisor(Denominators(tokens=120, sequences=8)) == divisor


def test_a_mini_batch_of_which_nothing_is_there_yet_adds_nothing():
    objective = PolicyObjective.from_config(GrpoConfig())
    empty = PartialGradient()
    assert empty.shrinkage(Denominators(5, 1), objective) == 1
    assert empty.metrics == {"ratio_max": 0.0, "tokens": 0.0, "fill": 0.0, "prompts_saved": 1.0}
    first = empty.with_part(Denominators(4, 1), {"loss": 2.0}, 0.5, (4.0, 5.0, 6.0), (), objective)
    assert first.metrics["ratio_max"] == 0.5
    second = first.with_part(Denominators(8, 2), {"loss": 1.0}, 0.25, (4.0, 5.0, 6.0), (), objective)
    assert second.metrics["ratio_max"] == 0.5
    assert (
        second.totals["loss"]
        == 2.0 * objective.divisor(Denominators(4, 1)) / objective.divisor(Denominators(8, 2)) + 1.0
    )
