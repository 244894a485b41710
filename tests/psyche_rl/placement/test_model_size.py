"""Sizes from a config alone, against the folders that transformers writes."""

from __future__ import annotations

import json
from math import prod

import pytest
from model_families import FAMILIES, save_family

from psyche_rl.config.lora import LoraConfig
from psyche_rl.config.mini import MiniModelConfig
from psyche_rl.learner.adapter_size import trained_parameters
from psyche_rl.model_folder import parameter_shapes
from psyche_rl.placement.model_size import KNOWN_TYPES, model_size, saved_shapes, size_of

CASES = [
    (name, tied)
    for name, family in FAMILIES.items()
    if family.model_type in KNOWN_TYPES
    for tied in family.tied
]
QWEN_7B = "Qwen/Qwen2.5-7B-Instruct"


@pytest.mark.parametrize(("family", "tied"), CASES)
def test_the_shapes_are_those_of_the_saved_folder(tmp_path, family, tied):
    save_family(tmp_path, family, tied)
    config = json.loads((tmp_path / "config.json").read_text("utf-8"))
    shapes = parameter_shapes(tmp_path)
    assert dict(saved_shapes(config)) == shapes
    lora = LoraConfig(rank=4)
    found = model_size(str(tmp_path), None, lora)
    assert (found.parameters, found.adapters) == (
        sum(map(prod, shapes.values())),
        trained_parameters(shapes, lora),
    )
    assert found.in_one_layer * found.layers + found.outside_layers == found.parameters
    assert found.largest_tensor == max(map(prod, shapes.values()))


def test_at_least_these_families_are_known():
    assert {name for name, _ in CASES} >= {
        "qwen2",
        "qwen3",
        "qwen3_moe",
        "llama",
        "mistral",
        "mixtral",
        "phi3",
        "gemma2",
    }


def test_a_known_model_is_sized_without_its_folder():
    found = model_size(QWEN_7B, None, LoraConfig(rank=32))
    # From the model card: 7.61 billion parameters; the preset for one GPU says 81 million in adapters.
    assert found.parameters == 7_615_616_512
    assert found.adapters == pytest.approx(81e6, rel=0.01)
    assert found.kv_bytes(2) == 28 * 2 * 4 * 128 * 2
    assert found.trained == found.adapters
    assert model_size(QWEN_7B, None, None).trained == found.parameters
    assert model_size("meta-llama/Llama-3.1-8B-Instruct", None, None).parameters == 8_030_261_248
    assert model_size("microsoft/Phi-3-mini-128k-instruct", None, None).parameters == 3_821_079_552


def test_what_is_not_here_or_of_another_make_is_not_guessed(tmp_path):
    assert model_size("nobody/nothing", None, None) is None
    assert model_size(None, None, None) is None
    assert size_of({"model_type": "opt", "hidden_size": 64}) is None
    (tmp_path / "config.json").write_text("{", "utf-8")
    assert model_size(str(tmp_path), None, None) is None


def test_experts_that_one_token_passes_count_together():
    config = {
        "model_type": "mixtral", "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
        "num_attention_heads": 2, "vocab_size": 300, "num_local_experts": 4, "num_experts_per_tok": 2,
    }  # fmt: skip
    assert (size_of(config).intermediate, size_of(config).kv_heads) == (192, 2)


def test_the_mini_world_s_model_has_the_size_of_its_settings():
    found = model_size(None, MiniModelConfig(), None)
    assert (found.hidden, found.layers, found.vocab) == (96, 2, 2000)
    assert found.parameters < 10**6
