"""Nothing random is left in a model that is loaded, whatever its config calls it."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import torch
from model_families import FAMILIES, save_family
from torch import nn

from psyche_rl.learner import empty_model
from psyche_rl.learner.determinism import switch_off_dropout_layers, switch_off_randomness
from psyche_rl.learner.loading import load_sharded

RATES = (
    "dropout", "attention_dropout", "hidden_dropout", "activation_dropout", "attn_pdrop", "resid_pdrop",
    "embd_pdrop", "layerdrop", "decoder_layerdrop", "layer_drop", "hidden_dropout_prob", "dropout_p",
    "attention_dropout_rate", "drop_path_rate", "drop_rate", "router_jitter_noise", "input_jitter_noise",
    "moe_jitter_eps",
)  # fmt: skip


def test_every_rate_of_a_config_and_of_its_parts_is_0_and_nothing_else():
    kept = {
        "hidden_size": 8,
        "pdrop_note": 1,
        "token_dropout": True,
        "classifier_dropout": None,
        "backdrop": 0.5,
    }
    text = SimpleNamespace(model_type="text", attention_dropout=0.5, hidden_size=4)
    config = SimpleNamespace(**dict.fromkeys(RATES, 0.5), **kept, whole_dropout=1, text_config=text)
    switch_off_randomness(config)
    assert vars(text) == {"model_type": "text", "attention_dropout": 0.0, "hidden_size": 4}
    assert vars(config) == {**dict.fromkeys(RATES, 0.0), **kept, "whole_dropout": 0.0, "text_config": text}


def test_layers_with_a_rate_of_their_own_let_everything_through():
    model = nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.Dropout2d(0.5), nn.AlphaDropout(0.5)), nn.ReLU())
    switch_off_dropout_layers(model)
    given = torch.rand(3, 4, 5, 5)
    assert torch.equal(model.train()(given), given)


def test_a_loaded_model_has_no_dropout_even_where_its_config_does_not_tell(tmp_path, monkeypatch):
    save_family(tmp_path, "gpt2", True)  # whose own default is 0.1
    monkeypatch.setattr(empty_model, "switch_off_randomness", lambda _: None)
    lm = empty_model.empty_model(tmp_path, torch.float32, lambda _: "sdpa")
    rates = [module.p for module in lm.modules() if isinstance(module, nn.Dropout)]
    assert rates
    assert set(rates) == {0.0}


@pytest.mark.parametrize("family", ["gpt2", "opt", "mixtral", "granite"])
def test_two_passes_over_a_text_are_equal_whatever_the_folder_says(tmp_path, family):
    save_family(tmp_path, family, FAMILIES[family].tied[0])
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, **dict.fromkeys(RATES, 0.5)}))
    model = load_sharded(tmp_path, None, torch.device("cpu"), torch.float32, torch.float32)
    ids = torch.arange(5, 25)[None]
    assert model.lm.training
    first, second = model.lm(input_ids=ids).logits, model.lm(input_ids=ids).logits
    assert torch.equal(first, second)
    assert torch.equal(model.lm.eval()(input_ids=ids).logits, first)
