"""Adapters on every family of docs/models.md: put on, trained, and merged into what transformers loads."""

from __future__ import annotations

import models_page
import numpy as np
import pytest
from model_families import FAMILIES, save_family
from test_families import largest_gap, plain_logprobs
from tiny import sft_sequences

from psyche_rl.config.lora import LoraConfig
from psyche_rl.learner.lora import named_adapters


@pytest.mark.parametrize("family", FAMILIES)
def test_adapters_of_every_family_and_what_they_are_merged_into(tmp_path, new_learner, family):
    sequences = sft_sequences(6)
    save_family(tmp_path / "model", family, FAMILIES[family].tied[-1])
    learner = new_learner(tmp_path / "model", lora=LoraConfig(rank=2, alpha=4))
    given, before = learner.logprobs(sequences), learner.full_weights()
    for _ in range(2):
        learner.sft_step(sequences)
    after = learner.full_weights()
    moved = [name for name in after if not np.array_equal(before[name], after[name])]
    assert (
        len(moved) >= 2 * len(list(named_adapters(learner._model.lm))) // 3
    )  # fused ones are split in files
    assert not any("embed" in name or "lm_head" in name for name in moved)
    assert np.array_equal(np.concatenate(learner.reference_logprobs(sequences)), np.concatenate(given))
    assert largest_gap(learner.logprobs(sequences), given) > 1e-2
    learner.export(str(tmp_path / "out"))
    assert largest_gap(learner.logprobs(sequences), plain_logprobs(tmp_path / "out", sequences)) < 2e-5
    models_page.check(family, LoRA="yes")
