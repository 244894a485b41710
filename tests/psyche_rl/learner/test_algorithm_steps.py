"""Each algorithm takes two steps on a tiny model: finite, and the weights move to the better replies."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from tiny import VOCAB, make_model, policy_step

from psyche_rl.config.algorithms import ALGORITHMS
from psyche_rl.config.grpo import GrpoConfig
from psyche_rl.learner.objectives import PolicyObjective
from psyche_rl.learner.schedule import OptimSettings
from psyche_rl.loops.step_batch import Rollout, StepBatch, step_batch
from psyche_rl.loops.step_metrics import rollout_metrics
from psyche_rl.records import Question, Sample
from psyche_rl.rollout.sampling import Sampling
from rewards import RewardSample, Score

QUESTION = Question(id="q", kind="single", stem="题", options=("甲", "乙"), gold="A", source="test")
OPTIM = OptimSettings(lr=1e-3, schedule="constant", total_steps=10)
MORE = {
    "grpo, entropy rewarded": {"entropy_coeff": 0.01},
    "grpo, cut replies masked": {"mask_truncated_completions": True},
    "grpo, KL in the reward": {"use_kl_in_reward": True, "kl_coef": 0.1},
    "grpo, geometric mean": {"policy_loss": "geo_mean", "loss_aggregation": "seq-mean-token-mean"},
}
CASES = {name: {"algorithm": name} for name in ALGORITHMS} | MORE


def rollouts() -> list[Rollout]:
    draw = np.random.default_rng(2)
    groups = []
    for place in range(2):
        prompt = tuple(int(t) for t in draw.integers(3, VOCAB, 4))
        drawn = [tuple(int(t) for t in draw.integers(3, VOCAB, n)) for n in (3, 6, 8)]
        samples = tuple(
            Sample(
                id=f"0/{place}/{i}", request_id=f"0/{place}", index=i, prompt_ids=prompt, response_ids=ids,
                logprobs=(-4.0,) * len(ids), weight_versions=(0,) * len(ids),
                finish_reason="length" if len(ids) == 8 else "stop",
            )
            for i, ids in enumerate(drawn)
        )  # fmt: skip
        groups.append(Rollout(QUESTION, samples))
    return groups


def scored(config: GrpoConfig, learner) -> StepBatch:
    """A step's batch as the loop makes it, the learner being its own reference."""
    asked = rollouts()
    given = [RewardSample(id=s.id, response="答", gold="A", kind="single") for r in asked for s in r.samples]
    batch = step_batch(asked, given, [Score.of(v) for v in (1, 0, 0.5, 0, 1, 0.25)], config)
    old = learner.logprobs(batch.sequences, Sampling.of(config))
    if config.use_kl_in_reward:
        batch = batch.with_kl_in_reward([values - 0.1 for values in old], config, policy=old)
        assert np.isfinite(rollout_metrics(batch)["reward/kl_penalty"])
    batch = batch.with_old(old)
    return batch.with_reference([values - 0.1 for values in old]) if config.kl_coef else batch


@pytest.mark.parametrize("case", CASES)
def test_two_steps_change_the_weights_and_stay_finite(tmp_path, new_learner, case):
    config = GrpoConfig(
        prompts_per_step=2, group_size=3, max_tokens=8, **{"mini_batch_prompts": 2, **CASES[case]}
    )
    learner = new_learner(make_model(tmp_path), OPTIM)
    objective, weights, batches = PolicyObjective.from_config(config), [learner.full_weights()], []
    for _ in range(2):
        batches.append(scored(config, learner))
        for mini in batches[-1].mini_batches(config):
            metrics = policy_step(learner, mini.sequences, objective)
            assert all(np.isfinite(value) for value in metrics.values())
            assert metrics["grad_norm"] > 0
        weights.append(learner.full_weights())
    for before, after in itertools.pairwise(weights):
        assert all(np.isfinite(array).all() for array in after.values())
        assert any((before[name] != after[name]).any() for name in after)
    best, worst = batches[0].sequences[:2]
    assert gain(learner, best) > gain(learner, worst)


def gain(learner, sequence) -> float:
    """How much likelier a reply has become, in nats per token."""
    return (learner.logprobs([sequence])[0] - sequence.old_logprobs).mean()
