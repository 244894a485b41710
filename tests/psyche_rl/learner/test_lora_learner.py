"""A learner that trains adapters: same bits after a cut, small checkpoints, merged weights outside, the model
without adapters as reference."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny import make_model, sft_sequences, train

from psyche_rl.config.lora import LoraConfig
from psyche_rl.errors import NonFiniteError
from psyche_rl.learner.lora import named_adapters, start_adapters
from psyche_rl.learner.schedule import OptimSettings
from psyche_rl.rollout.sampling import Sampling
from psyche_rl.weights.arrays import checksum

LORA = LoraConfig(rank=4, alpha=8, seed=5)


@pytest.fixture
def adapted(tmp_path, new_learner):
    folder = make_model(tmp_path / "model")

    def build(lora=LORA, **config):
        return new_learner(folder, lora=lora, **config)

    return build


def base_parameters(learner):
    return {n: p for n, p in learner._model.lm.named_parameters() if ".lora_" not in n}


def flat(arrays):
    return np.concatenate(arrays)


@pytest.mark.parametrize("dtype", ["float32", pytest.param("bfloat16", marks=pytest.mark.slow)])
def test_resuming_gives_the_same_bits_as_going_on(tmp_path, adapted, dtype):
    whole = adapted(dtype=dtype)
    straight = train(whole, range(4))
    first = adapted(dtype=dtype)
    train(first, range(2))
    first.save(str(tmp_path / "ckpt"))
    first.saved()
    resumed = adapted(LORA.model_copy(update={"seed": 6}), dtype=dtype)  # its start is overwritten
    assert resumed.load(str(tmp_path / "ckpt")) == 4
    assert train(resumed, range(2, 4)) == straight[4:]
    assert checksum(resumed.full_weights()) == checksum(whole.full_weights())


def test_a_checkpoint_holds_what_is_trained_and_nothing_else(tmp_path, adapted):
    from torch.distributed.checkpoint import FileSystemReader

    learner = adapted()
    train(learner, range(1))
    learner.save(str(tmp_path / "ckpt"))
    learner.saved()
    held = FileSystemReader(str(tmp_path / "ckpt")).read_metadata().state_dict_metadata
    weights = {name for name in held if name.startswith("model.")}
    assert weights
    assert all(".lora_" in name for name in weights)
    assert len(weights) == 2 * len(list(named_adapters(learner._model.lm)))


def test_only_adapters_move(adapted):
    learner = adapted()
    before = {name: p.full_tensor().clone() for name, p in base_parameters(learner).items()}
    train(learner, range(2))
    assert all(torch.equal(before[n], p.full_tensor()) for n, p in base_parameters(learner).items())
    assert all(adapter.b.full_tensor().any() for _, adapter in named_adapters(learner._model.lm))


def test_the_reference_is_the_model_that_was_given(adapted):
    learner, sequences = adapted(), sft_sequences()
    given = flat(adapted(lora=None).logprobs(sequences, Sampling(0.7)))
    train(learner, range(2))
    assert np.array_equal(flat(learner.reference_logprobs(sequences, 0.7)), given)
    assert np.abs(flat(learner.logprobs(sequences, Sampling(0.7))) - given).max() > 1e-2


@pytest.mark.parametrize("checkpointing", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_training_lowers_the_loss(adapted, checkpointing):
    learner, sequences = adapted(gradient_checkpointing=checkpointing), sft_sequences()
    rows = [learner.sft_step(sequences) for _ in range(10)]
    assert rows[-1]["loss"] < 0.9 * rows[0]["loss"]


def test_what_is_exported_computes_what_the_learner_does(tmp_path, adapted, new_learner):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    learner, sequences = adapted(dtype="float64"), sft_sequences()
    train(learner, range(2))
    inside = learner.logprobs(sequences)
    learner.export(str(tmp_path / "out"))
    merged = new_learner(tmp_path / "out", dtype="float64")
    np.testing.assert_allclose(flat(merged.logprobs(sequences)), flat(inside), rtol=0, atol=1e-9)
    assert checksum(merged.full_weights()) == checksum(learner.full_weights())
    learner.export_adapter(str(tmp_path / "adapter"))
    base = AutoModelForCausalLM.from_pretrained(tmp_path / "model", dtype=torch.float64)
    peft = PeftModel.from_pretrained(base, tmp_path / "adapter", autocast_adapter_dtype=False)
    assert peft.peft_config["default"].base_model_name_or_path == str(tmp_path / "model")
    for sequence, ours in zip(sequences, inside, strict=True):
        ids = torch.from_numpy(sequence.input_ids)
        with torch.no_grad():
            every = torch.log_softmax(peft(input_ids=ids[None]).logits[0, :-1], -1)
        theirs = every[torch.arange(len(every)), ids[1:]][sequence.prompt_length - 1 :].numpy()
        np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-9)


def test_the_gradient_is_that_of_the_merged_model(adapted, new_learner, tmp_path):
    """dL/dB = scale * dL/dW A^T, dL/dA = scale * B^T dL/dW, with dL/dW of the exported model."""
    learner, sequences = adapted(dtype="float64", max_grad_norm=1e6), sft_sequences(4)
    train(learner, range(1))
    learner.export(str(tmp_path / "out"))
    merged = new_learner(tmp_path / "out", dtype="float64", max_grad_norm=1e6)
    seen, whole, factors = {}, {}, {}
    for name, adapter in named_adapters(learner._model.lm):
        factors[name] = (adapter.a.full_tensor().clone(), adapter.b.full_tensor().clone(), adapter.scale)

    def look(*_):
        for name, adapter in named_adapters(learner._model.lm):
            seen[name] = (adapter.a.grad.full_tensor().clone(), adapter.b.grad.full_tensor().clone())

    def look_whole(*_):
        for name, parameter in base_parameters(merged).items():
            whole[name] = parameter.grad.full_tensor().clone()

    learner._adam.register_step_pre_hook(look)
    merged._adam.register_step_pre_hook(look_whole)
    learner.sft_step(sequences)
    merged.sft_step(sequences)
    for name, (a, b, scale) in factors.items():
        of_w = whole[f"{name}.weight"]
        torch.testing.assert_close(seen[name][0], scale * b.T @ of_w, rtol=0, atol=1e-9)
        torch.testing.assert_close(seen[name][1], scale * of_w @ a.T, rtol=0, atol=1e-9)


def test_bfloat16_keeps_the_model_in_bfloat16_and_adapters_in_float32(adapted):
    learner = adapted(dtype="bfloat16")
    assert {p.dtype for p in base_parameters(learner).values()} == {torch.bfloat16}
    assert {a.dtype for _, x in named_adapters(learner._model.lm) for a in (x.a, x.b)} == {torch.float32}
    moved = adapted(dtype="bfloat16")
    train(moved, range(1))
    assert {a.dtype for a in moved.full_weights().values()} == {np.dtype(np.uint16)}
    exact = adapted(dtype="float64")
    train(exact, range(1))
    gap = np.abs(flat(moved.logprobs(sft_sequences())) - flat(exact.logprobs(sft_sequences())))
    assert 1e-4 < gap.max() < 0.3


def test_a_step_smaller_than_bfloat16_tells_is_taken(tmp_path, adapted):
    learner = adapted(dtype="bfloat16", optim=OptimSettings(1e-6, "constant", 9))
    before = {n: a.a.full_tensor().clone() for n, a in named_adapters(learner._model.lm)}
    learner.sft_step(sft_sequences())  # moves B away from 0
    learner.sft_step(sft_sequences())
    assert not any(torch.equal(before[n], a.a.full_tensor()) for n, a in named_adapters(learner._model.lm))


def test_another_seed_starts_elsewhere_and_none_is_zero(adapted):
    starts = [dict(named_adapters(adapted(LoraConfig(rank=4, seed=s))._model.lm)) for s in (None, 0, 5)]
    name = "model.layers.0.mlp.up_proj"
    none, zero, five = (start[name].a.full_tensor().clone() for start in starts)
    assert torch.equal(none, zero)
    assert not torch.equal(zero, five)
    again = adapted(LoraConfig(rank=4, seed=5))._model.lm
    start_adapters(again, 0)
    assert torch.equal(zero, dict(named_adapters(again))[name].a.full_tensor())


def test_adapters_that_are_not_finite_stay_inside(tmp_path, adapted):
    learner = adapted()
    _, adapter = next(iter(named_adapters(learner._model.lm)))
    adapter.b.data.fill_(float("nan"))
    with pytest.raises(NonFiniteError, match="not exported"):
        learner.export_adapter(str(tmp_path / "adapter"))
    assert not (tmp_path / "adapter").exists()
    with pytest.raises(ValueError, match="no adapters"):
        adapted(lora=None).export_adapter(str(tmp_path / "adapter"))


def test_the_optimizer_knows_what_is_trained_and_nothing_else(adapted, tmp_path, new_learner):
    held = [p for group in adapted()._adam.param_groups for p in group["params"]]
    assert held
    assert all(p.requires_grad for p in held)
