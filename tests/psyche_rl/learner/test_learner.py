"""A learner's life on one rank: same bits, checkpoints, published weights, exports."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny import make_model, policy_sequences, sft_sequences, train

from psyche_rl.errors import NonFiniteError
from psyche_rl.learner.objectives import PolicyObjective
from psyche_rl.learner.schedule import OptimSettings, learning_rate
from psyche_rl.loops.held_out import HeldOut
from psyche_rl.weights.arrays import checksum, from_numpy, to_numpy


def test_resuming_gives_the_same_bits_as_going_on(tmp_path, new_learner):
    folder = make_model(tmp_path / "model")
    straight = train(new_learner(folder), range(4))
    first = new_learner(folder)
    train(first, range(2))
    first.save(str(tmp_path / "ckpt"))
    first.saved()
    resumed = new_learner(folder)
    assert resumed.load(str(tmp_path / "ckpt")) == 4
    assert train(resumed, range(2, 4)) == straight[4:]


def test_a_gradient_is_of_what_came_since_the_last_step_fault_or_load(tmp_path, new_learner):
    learner, given = new_learner(make_model(tmp_path / "model")), policy_sequences()
    alone = sum(int(s.mask.sum()) for s in given)

    def tokens():
        return learner.policy_backward(given, PolicyObjective()).metrics["tokens"]

    assert [tokens(), tokens(), tokens()] == [alone, 2 * alone, 3 * alone]
    learner.optimizer_step()
    assert tokens() == alone
    bad = replace(given[0], advantages=np.full_like(given[0].advantages, np.nan))
    with pytest.raises(NonFiniteError, match="group 0"):
        learner.policy_backward([bad], PolicyObjective())
    assert tokens() == alone
    learner.save(str(tmp_path / "ckpt"))
    learner.saved()
    learner.load(str(tmp_path / "ckpt"))
    assert all(p.grad is None for p in learner._model.parameters())
    assert tokens() == alone
    learner.optimizer_step()
    assert learner.policy_backward([], PolicyObjective()).metrics["tokens"] == 0


def test_a_fault_is_looked_for_in_every_part_of_a_mini_batch(tmp_path, new_learner):
    learner, given = new_learner(make_model(tmp_path)), policy_sequences()
    learner.policy_backward(given[:3], PolicyObjective())
    bad = replace(given[4], advantages=np.full_like(given[4].advantages, np.nan))
    with pytest.raises(NonFiniteError, match="It comes from group 1;"):
        learner.policy_backward([given[3], bad], PolicyObjective())
    learner.policy_backward(given[:3], PolicyObjective())
    learner.policy_backward(given[6:], PolicyObjective())
    assert {s.name for s in learner._guard._sequences} == {"group 0", "group 2"}


def test_training_lowers_the_loss_and_follows_the_schedule(tmp_path, new_learner):
    learner, sequences = new_learner(make_model(tmp_path)), sft_sequences()
    rows = [learner.sft_step(sequences) for _ in range(10)]
    assert rows[-1]["loss"] < 0.5 * rows[0]["loss"]
    optim = OptimSettings(lr=1e-2, schedule="cosine", total_steps=10, warmup_steps=2)
    assert [r["lr"] for r in rows] == [learning_rate(optim, n) for n in range(10)]
    assert [r["lr"] for r in rows[:3]] == [5e-3, 1e-2, 1e-2]


def test_the_held_out_loss_is_what_a_step_on_the_same_examples_starts_from(tmp_path, new_learner):
    learner, sequences = new_learner(make_model(tmp_path)), sft_sequences()
    held_out = HeldOut(sequences, every=1).measure(learner)
    assert held_out == pytest.approx(learner.sft_step(sequences)["loss"], rel=1e-5)


def test_gradients_are_clipped_to_the_norm(tmp_path, new_learner):
    learner = new_learner(make_model(tmp_path), max_grad_norm=0.25)
    seen = []
    learner._adam.register_step_pre_hook(
        lambda *_: seen.append(
            torch.stack([p.grad.full_tensor().norm() for p in learner._model.parameters()])
        )
    )
    reported = learner.sft_step(sft_sequences())["grad_norm"]
    assert reported > 0.25
    assert seen[0].norm().item() == pytest.approx(0.25, rel=1e-4)


def test_checkpoints_go_to_an_fsspec_url(tmp_path, new_learner):
    learner = new_learner(make_model(tmp_path / "model"))
    learner.sft_step(sft_sequences())
    learner.save("memory://run/ckpt")
    learner.saved()
    other = new_learner(tmp_path / "model")
    assert other.load("memory://run/ckpt") == 1
    assert checksum(other.full_weights()) == checksum(learner.full_weights())


@pytest.mark.parametrize("tied", [True, False])
def test_weights_and_export_are_what_was_trained(tmp_path, new_learner, tied):
    from transformers import AutoModelForCausalLM

    learner = new_learner(make_model(tmp_path / "model", tied=tied))
    before = learner.full_weights()
    learner.sft_step(sft_sequences())
    weights = learner.full_weights()
    assert checksum(before) != checksum(weights)
    assert ("lm_head.weight" in weights) is not tied
    assert all(a.flags.c_contiguous for a in weights.values())
    learner.export(str(tmp_path / "out"))
    read = dict(AutoModelForCausalLM.from_pretrained(tmp_path / "out").named_parameters())
    assert checksum({n: to_numpy(p) for n, p in read.items()}) == checksum(weights)
    assert (tmp_path / "out" / "tokenizer.json").is_file()
    again = new_learner(tmp_path / "out")
    for a, b in zip(learner.logprobs(sft_sequences()), again.logprobs(sft_sequences()), strict=True):
        np.testing.assert_array_equal(a, b)


def test_bfloat16_trains_float32_weights_and_publishes_bfloat16(tmp_path, new_learner):
    learner = new_learner(make_model(tmp_path), OptimSettings(1e-6, "constant", 9), dtype="bfloat16")
    assert {p.dtype for p in learner._model.parameters()} == {torch.float32}
    before = {n: p.full_tensor().clone() for n, p in learner._model.lm.named_parameters()}
    learner.sft_step(sft_sequences())
    moved = [not torch.equal(before[n], p.full_tensor()) for n, p in learner._model.lm.named_parameters()]
    assert all(moved)  # by less than bfloat16 could hold
    weights = learner.full_weights()
    assert {a.dtype for a in weights.values()} == {np.dtype(np.uint16)}
    name, kept = next(iter(learner._model.lm.named_parameters()))
    assert torch.equal(from_numpy(weights[name]), kept.full_tensor().to(torch.bfloat16))


def test_bfloat16_computes_in_bfloat16_and_float32_does_not(tmp_path, new_learner):
    folder, sequences = make_model(tmp_path), sft_sequences(4)
    exact, single, half = (
        np.concatenate(new_learner(folder, dtype=dtype).logprobs(sequences))
        for dtype in ("float64", "float32", "bfloat16")
    )
    assert np.abs(single - exact).max() < 1e-5
    assert np.abs(half - exact).max() > 1e-4
