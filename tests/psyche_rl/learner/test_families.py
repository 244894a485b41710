"""A step of training with every family of docs/models.md, against transformers."""

from __future__ import annotations

import models_page
import numpy as np
import pytest
import torch
from model_families import FAMILIES, save_family
from safetensors.torch import load_file
from tiny import policy_sequences

from psyche_rl.learner.packing import Layout
from psyche_rl.learner.published import announcements
from psyche_rl.learner.sequence import SftSequence
from psyche_rl.model_folder import parameter_shapes
from psyche_rl.weights.arrays import to_numpy


def plain_logprobs(folder, sequences):
    """Each sequence alone through the Hugging Face model, by the attention that leaves nothing out."""
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()
    for sequence in sequences:
        ids = torch.from_numpy(sequence.input_ids)
        with torch.no_grad():
            every = torch.log_softmax(model(input_ids=ids[None]).logits[0, :-1], -1)
        yield every[torch.arange(len(every)), ids[1:]][sequence.prompt_length - 1 :].numpy()


def said(found):
    return "yes" if found else "no"


def largest_gap(ours, theirs):
    return max(float(np.abs(a - b).max()) for a, b in zip(ours, theirs, strict=True))


# What follows the head, and rows of texts for learned positions, are the business of the forward pass.


@pytest.mark.parametrize("family", FAMILIES)
def test_a_step_of_every_family_and_what_it_exports(tmp_path, new_learner, family):
    sequences = [SftSequence(s.input_ids, s.prompt_length) for s in policy_sequences()]  # groups of three
    for tied in FAMILIES[family].tied:
        folder, out = tmp_path / f"{tied}", tmp_path / f"{tied}-out"
        save_family(folder, family, tied)
        learner = new_learner(folder)
        assert largest_gap(learner.logprobs(sequences), plain_logprobs(folder, sequences)) < 2e-5
        before = learner.full_weights()
        learner.sft_step(sequences)
        learner.export(str(out))
        assert parameter_shapes(out) == parameter_shapes(folder)
        written, published = load_file(out / "model.safetensors"), learner.full_weights()
        assert written.keys() == published.keys()
        announced = {heading.name: heading.shape for heading in announcements(learner._model, torch.float32)}
        assert announced == {name: array.shape for name, array in published.items()}
        for name, tensor in written.items():
            np.testing.assert_array_equal(to_numpy(tensor), published[name])
        moved = {name for name, array in published.items() if not np.array_equal(array, before[name])}
        assert moved == set(published)
        assert largest_gap(learner.logprobs(sequences), plain_logprobs(out, sequences)) < 2e-5
    kinds = {(False,): "no", (True,): "yes", (False, True): "yes, no"}
    models_page.check(
        family,
        SFT="yes",
        packed=said(learner.layout is not Layout.ALONE),
        shared=said(learner.layout is Layout.SHARED),
        tied=kinds[FAMILIES[family].tied],
    )
