"""What a model bears, found out when it is opened."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from tiny import SHAPE, make_model, policy_sequences, sft_sequences

from psyche_rl.errors import ModelError
from psyche_rl.learner import head, opening
from psyche_rl.learner.opening import has_windows
from psyche_rl.learner.packing import Layout


def family(folder, name, **extra):
    """A folder of another architecture, with logits that differ enough for its scales to be seen."""
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.for_model(name, **{**SHAPE, **extra})
    torch.manual_seed(7)
    model = AutoModelForCausalLM.from_config(config)
    for parameter in model.parameters():
        parameter.data += 0.15 * torch.randn_like(parameter)
    model.save_pretrained(folder)
    (folder / "tokenizer.json").write_text("{}", "utf-8")
    return folder


AFTER_THE_HEAD = {
    "gemma2": {"final_logit_softcapping": 3.0, "head_dim": 32, "sliding_window": 8},
    "cohere": {"logit_scale": 0.3},
    "granite": {"logits_scaling": 4.0},
}


@pytest.mark.parametrize("name", AFTER_THE_HEAD)
def test_what_a_model_does_after_its_head_is_done(tmp_path, new_learner, name):
    from transformers import AutoModelForCausalLM

    folder, sequences = family(tmp_path, name, **AFTER_THE_HEAD[name]), sft_sequences(5)
    learner = new_learner(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()
    for sequence, ours in zip(sequences, learner.logprobs(sequences), strict=True):
        ids = torch.from_numpy(sequence.input_ids)
        with torch.no_grad():
            every = torch.log_softmax(model(input_ids=ids[None]).logits[0, :-1], -1)
        theirs = every[torch.arange(len(every)), ids[1:]][sequence.prompt_length - 1 :]
        np.testing.assert_allclose(ours, theirs.numpy(), atol=3e-5)


@pytest.mark.parametrize("name", AFTER_THE_HEAD)
def test_a_model_whose_head_is_not_all_is_refused_where_that_is_left_out(
    tmp_path, new_learner, monkeypatch, name
):
    monkeypatch.setattr(
        "psyche_rl.learner.policy_model.logits_of", lambda lm, states: lm.get_output_embeddings()(states)
    )
    with pytest.raises(ModelError, match=r"nats off the model's own on average.*cannot be trained"):
        new_learner(family(tmp_path, name, **AFTER_THE_HEAD[name]))


def test_linear_attention_trains_unpacked(tmp_path, new_learner):
    folder = family(
        tmp_path, "qwen3_next", num_hidden_layers=2, head_dim=32, num_experts=2, num_experts_per_tok=1,
        layer_types=["linear_attention", "full_attention"], linear_num_value_heads=2, linear_num_key_heads=2,
        linear_key_head_dim=16, linear_value_head_dim=16, moe_intermediate_size=32,
        shared_expert_intermediate_size=32, decoder_sparse_step=1,
    )  # fmt: skip
    learner, sequences = new_learner(folder), sft_sequences(5)
    assert learner.layout is Layout.ALONE
    together = learner.logprobs(sequences)
    for sequence, ours in zip(sequences, together, strict=True):
        np.testing.assert_allclose(ours, learner.logprobs([sequence])[0], atol=1e-4)


def test_windows_go_unshared_and_everything_else_is_shared(tmp_path, new_learner):
    assert new_learner(make_model(tmp_path / "qwen2")).layout is Layout.SHARED
    learner = new_learner(family(tmp_path / "mistral", "mistral", sliding_window=8, head_dim=32))
    assert learner.layout is Layout.PACKED
    sequences = policy_sequences()
    for sequence, ours in zip(sequences, learner.logprobs(sequences), strict=True):
        np.testing.assert_allclose(ours, learner.logprobs([sequence])[0], atol=1e-5)


@pytest.mark.parametrize(
    ("config", "windows"),
    [
        ({"layer_types": ["full_attention"] * 2, "sliding_window": 8}, False),
        ({"layer_types": ["full_attention", "sliding_attention"]}, True),
        ({"layer_types": ["linear_attention"]}, True),
        ({"sliding_window": 8}, True),
        ({"sliding_window": 8, "use_sliding_window": False}, False),
        ({"sliding_window": None}, False),
        ({}, False),
    ],
)
def test_which_models_have_windows(config, windows):
    class Config:
        def get_text_config(self):
            return self

    made = Config()
    vars(made).update(config)
    assert has_windows(made) is windows


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
def test_every_type_we_compute_in_passes_its_own_tolerance(tmp_path, new_learner, dtype):
    assert new_learner(make_model(tmp_path), dtype=dtype).layout is Layout.SHARED


def test_a_model_that_answers_anew_each_time_is_refused(tmp_path, new_learner, monkeypatch):
    whole = opening.PolicyModel.whole_logits

    def jittered(self, input_ids):
        return whole(self, input_ids) + torch.randn(())

    monkeypatch.setattr(
        opening.PolicyModel, "whole_logits", lambda self, ids: jittered(self, ids) * torch.rand(())
    )
    with pytest.raises(ModelError, match="two passes over one text differ"):
        new_learner(make_model(tmp_path))


@pytest.mark.parametrize("layout", [Layout.SHARED, Layout.PACKED])
def test_a_layout_that_leaks_is_not_taken(tmp_path, new_learner, monkeypatch, layout):
    right = opening._logprobs

    def leaking(model, texts, used, device):
        found = right(model, texts, used, device)
        return [p + 0.5 for p in found] if used in (layout, Layout.SHARED) else found

    monkeypatch.setattr(opening, "_logprobs", leaking)
    expected = Layout.PACKED if layout is Layout.SHARED else Layout.ALONE
    assert new_learner(make_model(tmp_path)).layout is expected


def test_scores_that_are_capped_are_computed_by_the_models_own_attention(tmp_path, new_learner):
    learner = new_learner(family(tmp_path, "gemma2", **AFTER_THE_HEAD["gemma2"]))
    assert learner._model.lm.config._attn_implementation == "eager"
    sdpa = new_learner(make_model(tmp_path / "qwen2"))
    assert sdpa._model.lm.config._attn_implementation == "sdpa"


def test_varlen_attention_is_not_lent_to_models_that_cannot_use_it(tmp_path, new_learner):
    with pytest.raises(ModelError, match="caps its scores or has sinks"):
        new_learner(family(tmp_path, "gemma2", **AFTER_THE_HEAD["gemma2"]), attention="varlen")


def test_varlen_attention_is_that_of_the_mask(tmp_path, new_learner):
    """Forward and backward, shared prompts and all; the kernel here is the one for CPU."""
    from psyche_rl.learner.objectives import PolicyObjective

    folder, sequences = make_model(tmp_path, "llama", tied=False), policy_sequences()
    found = {}
    for attention in ("sdpa", "varlen", "eager"):
        learner = new_learner(folder, dtype="float64", attention=attention, row_tokens=70)
        backward = learner.policy_backward(sequences, PolicyObjective(kl_coef=0.1))
        found[attention] = backward.logprobs, learner.optimizer_step()["grad_norm"], backward.metrics
    for attention in ("varlen", "eager"):
        for ours, theirs in zip(found[attention][0], found["sdpa"][0], strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-6)
        assert found[attention][1] == pytest.approx(found["sdpa"][1], rel=1e-6)
    assert found["varlen"][2]["fill"] == 1.0


def test_the_windows_of_varlen_attention_are_the_models(tmp_path, new_learner):
    folder = family(tmp_path, "mistral", sliding_window=4, head_dim=32)
    sequences = sft_sequences(6)
    one, other = (new_learner(folder, attention=a).logprobs(sequences) for a in ("sdpa", "varlen"))
    for ours, theirs in zip(one, other, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert np.abs(np.concatenate(one)).max() > 1


def test_the_base_model_is_back_in_its_place_whatever_happens(tmp_path, new_learner):
    lm = new_learner(make_model(tmp_path))._model.lm
    base = lm.base_model
    with pytest.raises(RuntimeError):
        head.logits_of(lm, torch.zeros(3, 5))
    assert lm.base_model is base
    assert json.loads((tmp_path / "config.json").read_text())["model_type"] == "qwen2"
