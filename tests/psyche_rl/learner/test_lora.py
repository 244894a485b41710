"""Adapters on plain Hugging Face models: what is wrapped, how it starts, what merging gives."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from tiny import SHAPE

from psyche_rl.config.lora import LoraConfig
from psyche_rl.errors import ModelError
from psyche_rl.learner.adapter_folder import write_adapter_folder
from psyche_rl.learner.adapter_size import trained_parameters
from psyche_rl.learner.lora import (
    adapters_off,
    add_adapters,
    merging,
    named_adapters,
    start_adapters,
    target_layers,
)

MOE = {"num_experts_per_tok": 2, "moe_intermediate_size": 32, "head_dim": 32}
FAMILIES = {
    "qwen2": {},
    "llama": {"tie_word_embeddings": True},
    "phi3": {},
    "gpt2": {},
    "qwen3_moe": {"num_experts": 4, **MOE},
    "mixtral": {"num_local_experts": 4, "num_experts_per_tok": 2},
}
IDS = torch.tensor([[5, 9, 40, 3, 77, 8, 21]])


def plain(family="qwen2", device="cpu", **more):
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(3)
    with torch.device(device):
        config = AutoConfig.for_model(family, **{**SHAPE, **FAMILIES[family], **more})
        config._experts_implementation = "eager"  # the grouped product knows no float64
        lm = AutoModelForCausalLM.from_config(config).eval()
    return lm.double() if device == "cpu" else lm


def adapted(family="qwen2", dtype=torch.float64, moved=True, **lora):
    """A model with adapters that do something, unless they are to stand where they start."""
    lm = plain(family)
    add_adapters(lm, LoraConfig(**{"rank": 4, "alpha": 6, **lora}), dtype)
    start_adapters(lm, seed=0)
    if moved:
        for n, (_, adapter) in enumerate(named_adapters(lm)):
            generator = torch.Generator().manual_seed(n)
            adapter.b.data.normal_(0, 0.3, generator=generator)
    return lm


def logits(lm):
    with torch.no_grad():
        return lm(input_ids=IDS).logits


def merged(lm):
    change = merging(lm)
    return {name: change(name, parameter).detach() for name, parameter in base_parameters(lm)}


def base_parameters(lm):
    """Without adapters, by the names that they had before there were any."""
    for name, parameter in lm.named_parameters():
        if ".lora_" not in name:
            yield name.replace(".base_layer.", "."), parameter


@pytest.mark.parametrize("family", FAMILIES)
def test_merged_weights_compute_what_model_and_adapters_do(family):
    lm, other = adapted(family), plain(family)
    before = {name: parameter.clone() for name, parameter in lm.named_parameters()}
    weights = merged(lm)
    assert all(torch.equal(before[name], parameter) for name, parameter in lm.named_parameters())
    assert list(weights) == [name for name, _ in other.named_parameters()]
    with adapters_off(lm):
        assert torch.equal(logits(lm), logits(other))
    assert (logits(lm) - logits(other)).abs().max() > 1e-2
    other.load_state_dict(weights, strict=False)
    torch.testing.assert_close(logits(other), logits(lm), rtol=0, atol=1e-9)


@pytest.mark.parametrize("family", ["qwen2", "gpt2"])
def test_the_update_is_the_scaled_product_added_to_the_weight(family):
    lm, other = adapted(family), dict(plain(family).named_parameters())
    layer = {"qwen2": "model.layers.1.mlp.down_proj", "gpt2": "transformer.h.1.mlp.c_proj"}[family]
    adapter, weight = dict(named_adapters(lm))[layer], f"{layer}.weight"
    a, b = adapter.a.detach().numpy(), adapter.b.detach().numpy()
    update = 6 / 4 * np.einsum("or,ri->oi", b, a)
    expected = other[weight].detach().numpy() + (update.T if family == "gpt2" else update)
    got = merging(lm)(weight, dict(base_parameters(lm))[weight]).detach().numpy()
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("use", "scale"), [(False, 6 / 9), (True, 6 / 3)])
def test_the_scale_is_alpha_over_the_rank_or_its_root(use, scale):
    lm = adapted(rank=9, use_rslora=use)
    assert {adapter.scale for _, adapter in named_adapters(lm)} == {scale}
    with adapters_off(lm):
        assert {adapter.scale for _, adapter in named_adapters(lm)} == {0.0}
    assert {adapter.scale for _, adapter in named_adapters(lm)} == {scale}


def test_a_bfloat16_weight_is_merged_in_the_adapters_type():
    adapter = dict(named_adapters(adapted(dtype=torch.float32)))["model.layers.0.mlp.up_proj"]
    a, b = torch.full((4, 3), 1e-3), torch.ones(2, 4)
    got = adapter.merged(torch.ones(2, 3, dtype=torch.bfloat16), a, b)
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, torch.full((2, 3), 1.006))  # bfloat16 has 1 and 1.0078


def test_only_adapters_are_trained_and_in_their_own_type():
    lm = adapted(dtype=torch.float32, moved=False)
    trained = {name: p for name, p in lm.named_parameters() if p.requires_grad}
    factors = [p for _, adapter in named_adapters(lm) for p in (adapter.a, adapter.b)]
    assert {id(p) for p in trained.values()} == {id(p) for p in factors}
    assert {p.dtype for p in trained.values()} == {torch.float32}
    assert {p.dtype for _, p in base_parameters(lm)} == {torch.float64}
    assert [tuple(p.shape) for p in factors[:2]] == [(4, 64), (64, 4)]


def test_every_linear_layer_but_the_output_layer_is_a_target():
    names = target_layers(plain("llama", tie_word_embeddings=False), ("all-linear",))
    layer = [f"self_attn.{x}_proj" for x in "qkvo"] + [f"mlp.{x}_proj" for x in ("gate", "up", "down")]
    assert list(names) == [f"model.layers.{n}.{end}" for n in range(2) for end in layer]


def test_named_targets_are_whole_ends_of_names():
    names = target_layers(plain(), ("q_proj", "0.mlp.up_proj"))
    assert list(names) == [
        "model.layers.0.self_attn.q_proj", "model.layers.0.mlp.up_proj", "model.layers.1.self_attn.q_proj",
    ]  # fmt: skip
    adapters = dict(named_adapters(adapted(target_modules=["q_proj", "0.mlp.up_proj"])))
    assert list(adapters) == list(names)


@pytest.mark.parametrize(
    ("target", "what"),
    [
        ("proj", "'proj' is no linear layer of qwen2; it has down_proj, gate_proj, k_proj"),
        ("lm_head", "'lm_head' is the output layer of qwen2"),
        ("embed_tokens", "'embed_tokens' is no linear layer of qwen2"),
    ],
)
def test_a_target_that_is_no_layer_to_adapt_is_refused(target, what):
    with pytest.raises(ModelError, match=what):
        add_adapters(plain("qwen2", "meta"), LoraConfig(target_modules=("q_proj", target)), torch.float32)


def test_layers_of_two_orientations_are_refused_together():
    def mixed():
        lm = plain("gpt2")
        lm.transformer.h[1].mlp.c_fc = torch.nn.Linear(64, 96)
        return lm

    with pytest.raises(ModelError, match="gpt2 keeps some targets transposed"):
        add_adapters(mixed(), LoraConfig(), torch.float32)
    add_adapters(mixed(), LoraConfig(target_modules=("1.mlp.c_fc",)), torch.float32)
    add_adapters(mixed(), LoraConfig(target_modules=("0.mlp.c_fc",)), torch.float32)


def test_what_peft_would_put_elsewhere_is_refused():
    """In models with experts peft takes a dense layer's gate_proj for the experts'."""
    mixed = {"family": "qwen3_moe", "device": "meta", "mlp_only_layers": [0]}
    with pytest.raises(ModelError, match=r"peft does not adapt qwen3_moe as asked \(.*mlp.down_proj"):
        add_adapters(plain(**mixed), LoraConfig(), torch.float32)
    add_adapters(plain(**mixed), LoraConfig(target_modules=("q_proj",)), torch.float32)


def test_a_model_on_meta_stays_there_and_keeps_its_names():
    lm = plain("qwen2", "meta")
    names = [name for name, _ in lm.named_parameters()]
    add_adapters(lm, LoraConfig(), torch.float32)
    assert {p.device.type for p in lm.parameters()} == {"meta"}
    assert [name for name, _ in base_parameters(lm)] == names


def test_adapters_start_by_seed_and_layer_and_change_nothing():
    one, same, other = (dict(named_adapters(adapted(moved=False, seed=None))) for _ in range(3))
    lm = adapted(moved=False)
    assert torch.equal(logits(lm), logits(plain()))
    for name, adapter in one.items():
        assert torch.equal(adapter.a, same[name].a)
        assert not adapter.b.any()
        bound = 1 / adapter.a.shape[1] ** 0.5
        assert 0.9 * bound < adapter.a.abs().max() <= bound
        assert adapter.a.mean().abs() < 0.2 * bound
    drawn = [a.a.flatten()[0].item() for a in one.values()]
    assert len(set(drawn)) == len(drawn)
    lm = plain()
    add_adapters(lm, LoraConfig(rank=4), torch.float64)
    start_adapters(lm, seed=1)
    other = dict(named_adapters(lm))
    assert not any(torch.equal(one[name].a, other[name].a) for name in one)


def test_types_start_alike():
    double, single = (dict(named_adapters(adapted(dtype=t))) for t in (torch.float64, torch.float32))
    assert all(torch.equal(double[name].a, single[name].a.double()) for name in double)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("targets", [("all-linear",), ("q_proj",), ("c_attn", "0.mlp.c_proj"), ("proj",)])
def test_the_size_of_adapters_is_told_from_the_folders_shapes(family, targets):
    shapes = {name: tuple(value.shape) for name, value in plain(family, "meta").state_dict().items()}
    config = LoraConfig(rank=5, target_modules=targets)
    lm = plain(family, "meta")
    try:
        add_adapters(lm, config, torch.float32)
    except ModelError:
        assert trained_parameters(shapes, config) == 0
    else:
        assert trained_parameters(shapes, config) == sum(
            p.numel() for p in lm.parameters() if p.requires_grad
        )
    expert = {"model.layers.0.mlp.experts.3.w1.weight": (8, 8), "model.layers.0.mlp.router.weight": (8, 4)}
    assert trained_parameters(shapes | expert, config) == trained_parameters(shapes, config)
    assert trained_parameters({"a": (2, 3), "b": (4,)}, None) == 10


def test_an_error_within_the_block_switches_adapters_on_again():
    lm = adapted()
    whole = logits(lm)
    with pytest.raises(RuntimeError, match="boom"), adapters_off(lm):
        raise RuntimeError("boom")
    assert torch.equal(logits(lm), whole)
    assert all(p.requires_grad for _, a in named_adapters(lm) for p in (a.a, a.b))


@pytest.mark.parametrize("family", ["qwen2", "phi3", "gpt2", "mixtral"])
def test_peft_loads_what_is_written(tmp_path, family):
    from peft import PeftModel

    lm, base = adapted(family), plain(family)
    write_adapter_folder(lm, "the/base", str(tmp_path / "adapter"))
    loaded = PeftModel.from_pretrained(base, tmp_path / "adapter", autocast_adapter_dtype=False)
    assert loaded.peft_config["default"].base_model_name_or_path == "the/base"
    written = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text("utf-8"))
    assert written["inference_mode"] is True  # loaded to be trained on only if asked for
    torch.testing.assert_close(logits(loaded), logits(lm), rtol=0, atol=1e-9)


def test_adapter_folders_are_the_same_each_time_and_go_to_urls(tmp_path):
    import fsspec

    lm = adapted()
    write_adapter_folder(lm, "base", str(tmp_path / "one"))
    write_adapter_folder(lm, "base", "memory://lora/two")
    fs = fsspec.filesystem("memory")
    names = sorted(file.name for file in (tmp_path / "one").iterdir())
    assert {"adapter_config.json", "adapter_model.safetensors"} <= set(names)
    for name in names:
        assert fs.cat_file(f"/lora/two/{name}") == (tmp_path / "one" / name).read_bytes()
    targets = json.loads((tmp_path / "one" / "adapter_config.json").read_text("utf-8"))["target_modules"]
    assert targets == sorted(name for name, _ in named_adapters(lm))


def test_a_folder_at_a_url_gets_its_config_last(monkeypatch):
    from fsspec.implementations.memory import MemoryFileSystem

    put, order = MemoryFileSystem.put_file, []

    def noted(self, local, remote, **more):
        order.append(remote.rpartition("/")[2])
        put(self, local, remote, **more)

    monkeypatch.setattr(MemoryFileSystem, "put_file", noted)
    write_adapter_folder(adapted(), "base", "memory://lora/three")
    assert order == ["adapter_model.safetensors", "adapter_config.json"]


def test_a_model_without_adapters_has_none_to_write(tmp_path):
    with pytest.raises(ValueError, match="no adapters"):
        write_adapter_folder(plain(), "base", str(tmp_path / "none"))
