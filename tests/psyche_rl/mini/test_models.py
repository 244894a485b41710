"""Tiny models: the same seed gives the same bits, in shapes that vLLM can serve."""

import json

import pytest
from safetensors.numpy import load_file

from psyche_rl.config.mini import FAMILIES, MiniModelConfig
from psyche_rl.mini.models import make_model
from psyche_rl.mini.tokenizer import END, build_tokenizer
from psyche_rl.model_folder import fingerprint, model_folder

SERVED_HEAD_SIZES = {32, 64, 80, 96, 112, 128}


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer(["从众是指屈从于群体压力"] * 3, ["从众"], 300)


@pytest.fixture(scope="module")
def made(tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for family in FAMILIES:
        make_model(family, MiniModelConfig(), tokenizer, 5, folder / family)
    make_model("qwen2", MiniModelConfig(), tokenizer, 5, folder / "again")
    make_model("qwen2", MiniModelConfig(), tokenizer, 6, folder / "other")
    return folder


def test_the_same_seed_gives_the_same_weights_and_another_gives_others(made):
    assert fingerprint(made / "qwen2") == fingerprint(made / "again")
    assert (made / "qwen2/model.safetensors").read_bytes() == (made / "again/model.safetensors").read_bytes()
    assert fingerprint(made / "qwen2") != fingerprint(made / "other")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_is_a_whole_folder_of_its_family_with_a_head_size_that_is_served(made, tokenizer, family):
    folder = model_folder(made / family)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    assert config["model_type"] == family
    assert config["hidden_size"] // config["num_attention_heads"] in SERVED_HEAD_SIZES
    assert config["vocab_size"] == len(tokenizer)
    assert config["eos_token_id"] == tokenizer.convert_tokens_to_ids(END)
    weights = load_file(folder / "model.safetensors")
    assert weights["model.embed_tokens.weight"].shape == (len(tokenizer), config["hidden_size"])
    assert ("lm_head.weight" in weights) is not config["tie_word_embeddings"]
    assert {str(array.dtype) for array in weights.values()} == {"float32"}
