"""The learner at each combination of temperature, top-p and top-k: log-probabilities, gradient, two steps."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from plain_filter import filtered_log_softmax
from tiny import VOCAB, make_model, policy_step

from psyche_rl.config.grpo import GrpoConfig
from psyche_rl.learner import policy_model
from psyche_rl.learner.objectives import PolicyObjective
from psyche_rl.learner.schedule import OptimSettings
from psyche_rl.learner.sequence import PolicySequence
from psyche_rl.loops.step_batch import Rollout, StepBatch, step_batch
from psyche_rl.loops.sync_check import SyncCheck
from psyche_rl.records import Question, Sample
from psyche_rl.rollout.sampling import Sampling
from rewards import RewardSample, Score

COMBINATIONS = [Sampling(*values) for values in itertools.product((0.5, 1.0, 1.7), (1.0, 0.9), (None, 20))]
QUESTION = Question(id="q", kind="single", stem="题", options=("甲", "乙"), gold="A", source="test")
OPTIM = OptimSettings(lr=1e-2, schedule="constant", total_steps=10)
CONFIG = GrpoConfig(
    prompts_per_step=4, mini_batch_prompts=2, group_size=3, max_tokens=9, temperature=1.7, top_p=0.9,
    learner={"dtype": "float32"}, engine={"dtype": "float32"},
)  # fmt: skip


def hugging_face(folder, dtype=torch.float64):
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()


def response_logprobs(model, sequence, sampling) -> torch.Tensor:
    """[response], by transformers' model and a list that is cut off."""
    ids = torch.from_numpy(sequence.input_ids)
    every = filtered_log_softmax(model(input_ids=ids[None]).logits[0, :-1], sampling)
    return every.gather(1, ids[1:, None])[sequence.prompt_length - 1 :, 0]


def drawn(model, prompt: list[int], tokens: int, sampling: Sampling, dice) -> tuple[list[int], list[float]]:
    """A reply sampled as an engine does it, and its log-probabilities."""
    ids, logprobs = list(prompt), []
    for _ in range(tokens):
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([ids])).logits[0, -1:]
        every = filtered_log_softmax(logits, sampling)[0].numpy()
        share = np.exp(every)
        ids.append(int(dice.choice(len(share), p=share / share.sum())))
        logprobs.append(float(every[ids[-1]]))
    return ids[len(prompt) :], logprobs


def groups(model, sampling: Sampling, prompts: int = 4, seed: int = 0) -> list[Rollout]:
    dice = np.random.default_rng(seed)
    made = []
    for place in range(prompts):
        prompt = dice.integers(3, VOCAB, 5).tolist()
        samples = []
        for index, tokens in enumerate((4, 7, 9)):
            reply, logprobs = drawn(model, prompt, tokens, sampling, dice)
            samples.append(
                Sample(
                    id=f"0/{place}/{index}", request_id=f"0/{place}", index=index, prompt_ids=tuple(prompt),
                    response_ids=tuple(reply), logprobs=tuple(logprobs), weight_versions=(0,) * tokens,
                    finish_reason="stop",
                )
            )  # fmt: skip
        made.append(Rollout(QUESTION, tuple(samples)))
    return made


def batch_of(rollouts: list[Rollout]) -> StepBatch:
    flat = [s for r in rollouts for s in r.samples]
    given = [RewardSample(id=s.id, response="答", gold="A", kind="single") for s in flat]
    return step_batch(rollouts, given, [Score.of(float(i % 3)) for i in range(len(flat))], CONFIG)


@pytest.mark.parametrize("sampling", COMBINATIONS)
def test_the_learner_says_of_a_sample_what_it_was_drawn_by(tmp_path, new_learner, sampling):
    """Prompts shared and rows packed; then the gradient, in float64, and in chunks."""
    folder = make_model(tmp_path)
    model = hugging_face(folder)
    batch = batch_of(groups(model, sampling, prompts=2))
    learner = new_learner(folder, OPTIM, dtype="float64")
    found = learner.logprobs(batch.sequences, sampling)
    for sample, ours in zip(batch.samples, found, strict=True):
        np.testing.assert_allclose(ours, sample.logprobs, rtol=0, atol=1e-9)
    objective = PolicyObjective(sampling=sampling)
    sequences = batch.with_old(None).sequences
    norm = policy_step(learner, sequences, objective)["grad_norm"]
    tokens = sum(int(s.mask.sum()) for s in sequences)
    # At a ratio of 1 the gradient is that of -advantage x log-probability.
    for sequence in sequences:
        advantages = torch.from_numpy(sequence.advantages.astype(np.float64) * sequence.mask)
        (-(response_logprobs(model, sequence, sampling) * advantages).sum() / tokens).backward()
    wanted = torch.stack([p.grad.norm() for p in model.parameters()]).norm().item()
    assert norm == pytest.approx(wanted, rel=1e-6)  # verl adds 1e-8 to token counts
    assert norm > 0


def test_chunks_of_logits_are_filtered_alike(tmp_path, new_learner, monkeypatch):
    folder, sampling = make_model(tmp_path), Sampling(1.7, 0.9, 20)
    sequences = batch_of(groups(hugging_face(folder), sampling, prompts=2)).with_old(None).sequences
    objective = PolicyObjective(sampling=sampling)
    whole = policy_step(new_learner(folder, dtype="float64"), sequences, objective)
    monkeypatch.setattr(policy_model, "LOGITS_PER_CHUNK", 7 * VOCAB)
    chunked = policy_step(new_learner(folder, dtype="float64"), sequences, objective)
    assert chunked == pytest.approx(whole, rel=1e-9)


def test_a_token_that_could_not_be_drawn_has_minus_infinity(tmp_path, new_learner):
    folder, sampling = make_model(tmp_path), Sampling(top_k=2)
    dice = np.random.default_rng(0)
    sequence = PolicySequence.of(dice.integers(3, VOCAB, 5), dice.integers(3, VOCAB, 30), [-1.0] * 30, 1.0)
    learner = new_learner(folder)
    (found,) = learner.logprobs([sequence], sampling)
    with torch.no_grad():
        wanted = response_logprobs(hugging_face(folder, torch.float32), sequence, sampling).numpy()
    assert np.isneginf(found).sum() > 20
    np.testing.assert_allclose(found, wanted, atol=2e-5)
    assert np.isfinite(learner.logprobs([sequence])[0]).all()


def test_two_grpo_steps_with_a_nucleus(tmp_path, new_learner):
    """Old log-probabilities of the first mini-batch by its own pass, of the second before; the reference
    unfiltered. With steps this large the policy leaves tokens of the second mini-batch behind."""
    folder, sampling = make_model(tmp_path), Sampling.of(CONFIG)
    learner = new_learner(folder, OPTIM)
    first = learner.full_weights()
    objective = PolicyObjective.from_config(CONFIG)
    assert objective.sampling == sampling == Sampling(1.7, 0.9)
    outside = []
    for step in range(2):
        learner.export(str(tmp_path / f"{step}"))
        model = hugging_face(tmp_path / f"{step}", torch.float32)
        batch = batch_of(groups(model, sampling, seed=step))
        reference = learner.logprobs(batch.sequences, Sampling(sampling.temperature))
        assert all((r < s.logprobs).all() for r, s in zip(reference, batch.samples, strict=True))
        minis = batch.with_reference(reference).mini_batches(CONFIG)
        old = learner.logprobs(minis[1].sequences, sampling)
        for mini, given in zip(minis, (None, old), strict=True):
            backward = learner.policy_backward(mini.with_old(given).sequences, objective)
            if mini is minis[0]:
                seen = [*backward.logprobs, *old]
                told = SyncCheck.of(CONFIG).compare(batch.samples, seen, version=0)
                assert told["sync/outside_share"] == 0
            metrics = {**backward.metrics, **learner.optimizer_step()}
            assert all(np.isfinite(value) for value in metrics.values())
            assert metrics["grad_norm"] > 0
            outside.append(metrics["outside_share"])
    assert outside[0] == outside[2] == 0
    assert max(outside[1], outside[3]) > 0
    assert any((first[name] != array).any() for name, array in learner.full_weights().items())


def test_another_policys_samples_fail_the_sync_check(tmp_path, new_learner):
    from psyche_rl.errors import WeightSyncError

    sampling = Sampling.of(CONFIG)
    batch = batch_of(groups(hugging_face(make_model(tmp_path), torch.float32), sampling))
    learner = new_learner(tmp_path, OPTIM)
    for _ in range(3):
        policy_step(learner, batch.with_old(None).sequences, replace(PolicyObjective(), sampling=sampling))
    with pytest.raises(WeightSyncError, match="of the sampled tokens are outside"):
        SyncCheck.of(CONFIG).compare(batch.samples, learner.logprobs(batch.sequences, sampling), 0)
