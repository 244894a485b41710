"""Samples that share a copy of their prompt have the logprobs and the gradient of samples that do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny import VOCAB, make_model
from worlds import compute_norms_in_their_own_type

from psyche_rl.learner.objectives import PolicyObjective
from psyche_rl.learner.packing import Layout
from psyche_rl.learner.sequence import PolicySequence


def groups(size, prompt, reply):
    """Two groups, replies of one to ``reply`` tokens, and a prompt that another one begins with."""
    dice = np.random.default_rng(size)
    long = dice.integers(3, VOCAB, prompt)
    made = []
    for number, text in enumerate((long, long[: max(1, prompt // 2)])):
        for tokens in (reply, *dice.integers(1, reply + 1, size - 1)):
            made.append(
                PolicySequence.of(
                    text, dice.integers(3, VOCAB, tokens), None, dice.normal(),
                    reference_logprobs=-4.5 + dice.normal(size=tokens), name=f"group {number}",
                )
            )  # fmt: skip
    return made


@pytest.mark.parametrize("attention", ["sdpa", "varlen"])
@pytest.mark.parametrize(("size", "prompt", "reply"), [(2, 60, 4), (8, 3, 40), (5, 20, 20), (3, 1, 1)])
def test_forward_and_backward_are_those_of_samples_alone(
    tmp_path, new_learner, monkeypatch, attention, size, prompt, reply
):
    from transformers.models.qwen2.modeling_qwen2 import Qwen2RMSNorm

    monkeypatch.setattr(Qwen2RMSNorm, "forward", Qwen2RMSNorm.forward)  # put back at the end
    compute_norms_in_their_own_type()
    folder, sequences = make_model(tmp_path), groups(size, prompt, reply)
    found = {}
    for layout in (Layout.ALONE, Layout.SHARED):
        learner = new_learner(folder, dtype="float64", attention=attention, row_tokens=200)
        assert learner.layout is Layout.SHARED
        learner._micro_batches = replace(learner._micro_batches, layout=layout)
        backward = learner.policy_backward(sequences, PolicyObjective(kl_coef=0.1))
        gradients = {n: p.grad.full_tensor().clone() for n, p in learner._model.lm.named_parameters()}
        found[layout] = backward, gradients
    (alone, expected), (shared, gradients) = found[Layout.ALONE], found[Layout.SHARED]
    for ours, theirs in zip(shared.logprobs, alone.logprobs, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-9)
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, expected[name], rtol=0, atol=1e-9, msg=name)
    assert max(g.abs().max() for g in gradients.values()) > 1e-3
    assert shared.metrics["prompts_saved"] > 0 if size * prompt > 3 else True
