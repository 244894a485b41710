"""Packed log-probabilities and losses against transformers' own, for the families we train."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from tiny import make_model, policy_sequences, policy_step, sft_sequences

from psyche_rl.errors import ModelError
from psyche_rl.learner import policy_model
from psyche_rl.rollout.sampling import Sampling


def plain_logprobs(folder, sequence, temperature=1.0):
    """One unpacked sequence through the Hugging Face model, as its documentation would do it."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    ids = torch.from_numpy(sequence.input_ids)[None]
    with torch.no_grad():
        logits = model(input_ids=ids).logits[0, :-1] / temperature
    every = torch.log_softmax(logits, -1)
    return every[torch.arange(len(every)), ids[0, 1:]][sequence.prompt_length - 1 :].numpy()


@pytest.mark.parametrize(
    ("family", "tied"), [("qwen2", True), ("qwen2", False), ("llama", False), ("phi3", False)]
)
def test_packed_logprobs_equal_a_plain_forward(tmp_path, new_learner, family, tied):
    folder, sequences = make_model(tmp_path, family, tied), sft_sequences(8)
    got = new_learner(folder).logprobs(sequences)
    for sequence, ours in zip(sequences, got, strict=True):
        np.testing.assert_allclose(ours, plain_logprobs(folder, sequence), atol=2e-5)


def test_the_gradient_is_that_of_a_plain_backward_pass(tmp_path, new_learner):
    """Sums over ranks are easily divided or multiplied once too often, which Adam hides."""
    from transformers import AutoModelForCausalLM

    folder, sequences = make_model(tmp_path), sft_sequences(4)
    step = new_learner(folder, dtype="float64").sft_step(sequences)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64).eval()
    nll, tokens = torch.zeros((), dtype=torch.float64), 0
    for sequence in sequences:
        ids, start = torch.from_numpy(sequence.input_ids), sequence.prompt_length
        every = torch.log_softmax(model(input_ids=ids[None]).logits[0, :-1], -1)
        nll -= every[torch.arange(len(every)), ids[1:]][start - 1 :].sum()
        tokens += len(ids) - start
    (nll / tokens).backward()
    norm = torch.stack([p.grad.norm() for p in model.parameters()]).norm().item()
    assert step["loss"] == pytest.approx(nll.item() / tokens, rel=1e-9)
    assert step["grad_norm"] == pytest.approx(norm, rel=1e-9)


def test_temperature_divides_the_logits(tmp_path, new_learner):
    folder, sequences = make_model(tmp_path), sft_sequences(3)
    got = new_learner(folder).logprobs(sequences, Sampling(0.7))
    for sequence, ours in zip(sequences, got, strict=True):
        np.testing.assert_allclose(ours, plain_logprobs(folder, sequence, 0.7), atol=2e-5)


def test_the_one_row_layout_scores_the_same(tmp_path, new_learner):
    folder, sequences = make_model(tmp_path), sft_sequences(8)
    rows = new_learner(folder, dtype="float64").logprobs(sequences)
    one_row = new_learner(folder, dtype="float64", attention="varlen").logprobs(sequences)
    for a, b in zip(rows, one_row, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


def test_logits_in_chunks_give_the_same_step(tmp_path, new_learner, monkeypatch):
    from psyche_rl.learner.objectives import PolicyObjective

    folder, sequences = make_model(tmp_path), policy_sequences(6)
    whole = policy_step(new_learner(folder, dtype="float64"), sequences, PolicyObjective())
    monkeypatch.setattr(policy_model, "LOGITS_PER_CHUNK", 97 * 5)
    learner = new_learner(folder, dtype="float64", gradient_checkpointing=True)
    chunked = policy_step(learner, sequences, PolicyObjective())
    assert chunked == pytest.approx(whole, rel=1e-9)


def test_sft_loss_is_transformers_own(tmp_path, new_learner):
    from transformers import AutoModelForCausalLM

    folder, sequence = make_model(tmp_path), sft_sequences(1)[0]
    ids = torch.from_numpy(sequence.input_ids)[None]
    labels = ids.clone()
    labels[0, : sequence.prompt_length] = -100
    theirs = AutoModelForCausalLM.from_pretrained(folder)(input_ids=ids, labels=labels).loss.item()
    assert new_learner(folder).sft_step([sequence])["loss"] == pytest.approx(theirs, rel=1e-5)


def test_an_unfit_model_folder_is_one_clear_line(tmp_path, new_learner):
    with pytest.raises(ModelError, match="absent"):
        new_learner(tmp_path / "absent")
    folder = make_model(tmp_path / "m")
    weights = (folder / "model.safetensors").rename(tmp_path / "kept")
    (folder / "pytorch_model.bin").write_bytes(b"\x80")
    with pytest.raises(ModelError, match=r"no \*\.safetensors"):
        new_learner(folder)
    weights.rename(folder / "model.safetensors")
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match="tokenizer"):
        new_learner(folder)
    (folder / "tokenizer.json").write_text("{}")
    (folder / "config.json").write_text('{"model_type": "no_such_family"}')
    with pytest.raises(ModelError, match="cannot be loaded") as caught:
        new_learner(folder)
    assert "\n" not in str(caught.value)


def test_dropout_of_the_folder_is_off_in_the_policy(tmp_path, new_learner):
    folder, sequences = make_model(tmp_path), sft_sequences(3)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"attention_dropout": 0.5}), "utf-8")
    got = new_learner(folder).logprobs(sequences)
    for sequence, ours in zip(sequences, got, strict=True):
        np.testing.assert_allclose(ours, plain_logprobs(folder, sequence), atol=2e-5)


def test_a_model_folder_brings_weights_and_no_code(tmp_path, new_learner):
    folder, mark = make_model(tmp_path / "model"), tmp_path / "was here"
    config = json.loads((folder / "config.json").read_text("utf-8"))
    own = {"AutoConfig": "own.Own", "AutoModelForCausalLM": "own.Own"}
    (folder / "own.py").write_text(f"open({str(mark)!r}, 'w')\nclass Own: pass\n", "utf-8")
    for model_type in ("qwen2", "own"):
        changed = config | {"model_type": model_type, "auto_map": own}
        (folder / "config.json").write_text(json.dumps(changed), "utf-8")
        if model_type == "qwen2":
            new_learner(folder)  # transformers' own class is taken
        else:
            with pytest.raises(ModelError, match="cannot be loaded as a causal language model"):
                new_learner(folder)
        assert not mark.exists()
