"""Weights that are loaded shard by shard against transformers' own ``from_pretrained``."""

from __future__ import annotations

import json
import multiprocessing
import pickle

import loading_worlds
import pytest
import torch
from model_families import FAMILIES, save_family
from safetensors.torch import load_file, save_file
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule
from torch.distributed.tensor import DTensor

from psyche_rl.errors import ModelError
from psyche_rl.learner import file_format, loading
from psyche_rl.learner.loading import load_sharded
from psyche_rl.learner.published import published_weights
from psyche_rl.learner.sharding import decoder_layers
from psyche_rl.model_folder import parameter_shapes

CPU = torch.device("cpu")
EVERY = [(name, tied) for name, family in FAMILIES.items() for tied in family.tied]


def plain(folder, dtype=torch.float32):
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)


def load(folder, mesh=None, dtype=torch.float32, **settings):
    return load_sharded(folder, mesh, CPU, dtype, dtype, **settings)


def rewrite(folder, change):
    """Save the folder's tensors after ``change`` has changed their dict."""
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def whole(tensors):
    return {name: t.full_tensor() if isinstance(t, DTensor) else t for name, t in tensors.items()}


def same_tensors(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name, tensor in theirs.items():
        assert ours[name].dtype == tensor.dtype, name
        assert torch.equal(ours[name], tensor), name


@pytest.mark.parametrize(("family", "tied"), EVERY)
def test_every_family_loads_as_transformers_does_and_goes_out_as_it_came(tmp_path, family, tied):
    save_family(tmp_path, family, tied)
    model, theirs = load(tmp_path), plain(tmp_path)
    same_tensors(model.lm.state_dict(), theirs.state_dict())
    same_tensors(dict(model.lm.named_buffers()), dict(theirs.named_buffers()))
    out, embeddings = model.lm.get_output_embeddings().weight, model.lm.get_input_embeddings().weight
    assert (out is embeddings) is tied
    assert len(decoder_layers(model.lm)) == 2
    same_tensors(dict(published_weights(model, torch.float32)), load_file(tmp_path / "model.safetensors"))


def test_what_transformers_keeps_precise_in_a_bfloat16_model_stays_so(tmp_path, one_rank):
    from transformers import Ernie4_5_MoeConfig, Ernie4_5_MoeForCausalLM

    config = Ernie4_5_MoeConfig(
        vocab_size=50, hidden_size=32, intermediate_size=32, moe_intermediate_size=16, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=2, moe_num_experts=4, moe_k=2, moe_layer_start_index=1,
        head_dim=16, moe_num_shared_experts=1,
    )  # fmt: skip
    model = Ernie4_5_MoeForCausalLM(config)
    model.save_pretrained(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    theirs = plain(tmp_path, torch.bfloat16).state_dict()
    assert theirs["model.layers.1.mlp.gate.weight"].dtype == torch.float32
    for mesh in (None, init_device_mesh("cpu", (1,))):
        ours = load(tmp_path, mesh, torch.bfloat16, trainable=False)
        same_tensors(whole(ours.lm.state_dict()), theirs)
        assert not any(parameter.requires_grad for parameter in ours.parameters())


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    folder = tmp_path_factory.mktemp("loading")
    models = folder / "models"
    save_family(models / "mixtral", "mixtral", False)
    # Rows that no number of ranks divides, and a router of 4 rows, of which a third rank gets none.
    save_family(models / "tied", "qwen2", True)
    rewrite(models / "tied", lambda t: t.update({n: v.bfloat16() for n, v in t.items()}))
    save_family(folder / "unfit", "llama", False)
    rewrite(folder / "unfit", lambda tensors: tensors.pop("model.norm.weight"))
    preload = ["loading_worlds", "transformers.models.qwen2.modeling_qwen2"]
    multiprocessing.get_context("forkserver").set_forkserver_preload(preload)
    torch.multiprocessing.start_processes(
        loading_worlds.run, args=(str(folder),), nprocs=3, start_method="forkserver"
    )
    ranks = [pickle.loads((folder / f"seen{rank}.pickle").read_bytes()) for rank in range(3)]
    return folder, ranks


@pytest.mark.slow
@pytest.mark.parametrize("dtype", loading_worlds.DTYPES)
@pytest.mark.parametrize("model", ["mixtral", "tied"])
def test_any_number_of_ranks_holds_the_bits_of_from_pretrained(seen, model, dtype):
    folder, ranks = seen
    expected = plain(folder / "models" / model, getattr(torch, dtype)).state_dict()
    stored = load_file(folder / "models" / model / "model.safetensors")
    for world in loading_worlds.WORLDS:
        rows = dict.fromkeys(expected, 0)
        for rank in range(world):
            whole, own, published = ranks[rank][world, model, dtype]
            same_tensors(whole, expected)
            rows = {name: count + own[name] for name, count in rows.items()}
            if rank == 0:
                same_tensors(published, {n: t.to(getattr(torch, dtype)) for n, t in stored.items()})
            else:
                assert published == {}
        assert rows == {name: len(tensor) for name, tensor in expected.items()}
    if model == "mixtral":
        assert ranks[2][3, model, dtype][1]["model.layers.0.mlp.gate.weight"] == 0


@pytest.mark.slow
def test_all_ranks_hear_what_is_wrong_with_the_files(seen):
    folder, ranks = seen
    for world in loading_worlds.WORLDS:
        for rank in range(world):
            assert ranks[rank][world, "unfit"] == (
                f"{folder / 'unfit'}: the files lack model.norm.weight; download or convert the model again"
            )


WRONG = {
    "lack an expert": (
        "mixtral",
        lambda t: t.pop("model.layers.1.block_sparse_moe.experts.3.w1.weight"),
        r"model\.layers\.1\.block_sparse_moe\.experts\.0\.w1\.weight, .* and 4 more do not make up "
        r"model\.layers\.1\.mlp\.experts\.gate_up_proj",
    ),
    "lack a tensor": ("llama", lambda t: t.pop("lm_head.weight"), r"the files lack lm_head\.weight;"),
    "hold another": (
        "llama",
        lambda t: t.update({f"extra.{n}": torch.ones(2) for n in range(5)}),
        r"the files hold extra\.0, extra\.1, extra\.2 and 2 more, which a LlamaForCausalLM",
    ),
    "have another shape": (
        "llama",
        lambda t: t.update({"model.norm.weight": torch.ones(65)}),
        r"model\.norm\.weight has shape \(65,\) in the files, by config.json it has \(64,\)",
    ),
    "hold two names of one": (
        "llama",
        lambda t: t.update({"norm.weight": torch.ones(64)}),
        r"model\.norm\.weight, norm\.weight are the same parameter",
    ),
    "are quantized": (
        "llama",
        lambda t: t.update({"model.norm.weight": torch.ones(64).to(torch.float8_e4m3fn)}),
        r"model\.norm\.weight: F8_E4M3 is quantized",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_files_that_are_not_the_models_are_one_line_with_the_names(tmp_path, case):
    family, change, told = WRONG[case]
    save_family(tmp_path, family, False)
    rewrite(tmp_path, change)
    with pytest.raises(ModelError, match=told) as caught:
        load(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}: ")


def test_a_cut_file_and_a_quantized_model_are_one_line(tmp_path):
    save_family(tmp_path, "llama", False)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(
        json.dumps({**config, "quantization_config": {"quant_method": "x"}})
    )
    with pytest.raises(ModelError, match="quantized"):
        load(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "model.safetensors").write_bytes((tmp_path / "model.safetensors").read_bytes()[:100])
    with pytest.raises(ModelError, match=r"^\S+model\.safetensors: no whole safetensors file"):
        load(tmp_path)


def test_a_tied_head_that_is_in_the_files_too_is_one_and_goes_out_twice(tmp_path, one_rank):
    save_family(tmp_path, "qwen2", True)
    rewrite(tmp_path, lambda t: t.update({"lm_head.weight": t["model.embed_tokens.weight"].clone()}))
    for mesh in (None, init_device_mesh("cpu", (1,))):
        model = load(tmp_path, mesh)
        assert model.lm.get_output_embeddings().weight is model.lm.get_input_embeddings().weight
        assert model.form.config_changes() == {}
        with torch.no_grad():
            model.lm.get_output_embeddings().weight.add_(1)
        out = dict(published_weights(model, torch.float32))
        assert {name: tuple(t.shape) for name, t in out.items()} == parameter_shapes(tmp_path)
        assert torch.equal(out["lm_head.weight"], out["model.embed_tokens.weight"])
        stored = load_file(tmp_path / "model.safetensors")["lm_head.weight"]
        assert torch.equal(out["lm_head.weight"], stored + 1)


def test_a_tied_head_of_other_numbers_is_untied_as_transformers_does(tmp_path, one_rank, monkeypatch):
    monkeypatch.setattr(loading, "_COMPARED", 64 * 7)  # several pieces, the last of which differs
    save_family(tmp_path, "qwen2", True)
    head = load_file(tmp_path / "model.safetensors")["model.embed_tokens.weight"].clone()
    head[-1, -1] += 1
    rewrite(tmp_path, lambda t: t.update({"lm_head.weight": head}))
    theirs = plain(tmp_path).state_dict()
    for mesh in (None, init_device_mesh("cpu", (1,))):
        model = load(tmp_path, mesh)
        same_tensors(whole(model.lm.state_dict()), theirs)
        assert model.form.config_changes() == {"tie_word_embeddings": False}
        out = dict(published_weights(model, torch.float32))
        assert torch.equal(out["lm_head.weight"], head)
        assert not torch.equal(out["model.embed_tokens.weight"], head)


def test_only_the_head_of_a_tied_model_is_in_the_files(tmp_path):
    save_family(tmp_path, "qwen2", True)
    rewrite(tmp_path, lambda t: t.update({"lm_head.weight": t.pop("model.embed_tokens.weight")}))
    model = load(tmp_path)
    same_tensors(model.lm.state_dict(), plain(tmp_path).state_dict())
    assert set(dict(published_weights(model, torch.float32))) == set(parameter_shapes(tmp_path))


def test_files_of_a_base_model_with_tensors_of_no_use_keep_their_names(tmp_path):
    """As those of GPT-2: no prefix, and masks that no model needs."""
    save_family(tmp_path / "gpt2", "gpt2", True)
    mask = torch.ones(1, 1, 8, 8).tril()

    def as_on_the_hub(tensors):
        for name in list(tensors):
            tensors[name.removeprefix("transformer.")] = tensors.pop(name)
        tensors["h.0.attn.bias"] = mask

    rewrite(tmp_path / "gpt2", as_on_the_hub)
    save_family(tmp_path / "mixtral", "mixtral", False)
    rewrite(tmp_path / "mixtral", lambda t: t.update({n.removeprefix("model."): t.pop(n) for n in list(t)}))
    for folder in (tmp_path / "gpt2", tmp_path / "mixtral"):
        model = load(folder)
        same_tensors(model.lm.state_dict(), plain(folder).state_dict())
        out = dict(published_weights(model, torch.float32))
        same_tensors(out, load_file(folder / "model.safetensors"))


def test_a_changed_weight_is_published_changed_under_its_own_name(tmp_path):
    save_family(tmp_path, "mixtral", False)
    model = load(tmp_path)
    asked = []

    def change(name, whole):
        asked.append(name)
        return whole * 2 if name == "model.layers.0.mlp.experts.gate_up_proj" else whole

    out = dict(published_weights(model, torch.float32, change))
    assert sorted(asked) == sorted(model.lm.state_dict())
    for name, tensor in load_file(tmp_path / "model.safetensors").items():
        doubled = "layers.0.block_sparse_moe.experts" in name and "w2" not in name
        assert torch.equal(out[name], tensor * (2 if doubled else 1)), name


def test_modules_may_be_wrapped_before_there_are_weights(tmp_path, one_rank):
    save_family(tmp_path, "llama", False)

    class Wrapped(torch.nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.base_layer = inner
            self.added = torch.nn.Parameter(torch.empty(4, 3, device="meta"))

    def adapt(lm):
        assert all(parameter.is_meta for parameter in lm.parameters())
        lm.requires_grad_(False)
        for layer in lm.model.layers:
            layer.mlp.up_proj = Wrapped(layer.mlp.up_proj)

    for mesh in (None, init_device_mesh("cpu", (1,))):
        model = load(tmp_path, mesh, adapt=adapt)
        added = [n for n, p in model.lm.named_parameters() if p.requires_grad]
        assert added == [f"model.layers.{n}.mlp.up_proj.added" for n in range(2)]
        assert not any(parameter.is_meta for parameter in model.parameters())
        same_tensors(dict(published_weights(model, torch.float32)), load_file(tmp_path / "model.safetensors"))


def test_what_is_frozen_has_no_gradients_and_what_is_trained_has(tmp_path):
    save_family(tmp_path, "llama", False)
    assert all(p.requires_grad for p in load(tmp_path).parameters())
    assert not any(p.requires_grad for p in load(tmp_path, trainable=False).parameters())


def test_gradient_checkpointing_is_as_asked(tmp_path):
    save_family(tmp_path, "llama", False)
    assert load(tmp_path, gradient_checkpointing=True).lm.is_gradient_checkpointing
    assert not load(tmp_path).lm.is_gradient_checkpointing


def test_the_attention_is_chosen_by_the_config(tmp_path):
    save_family(tmp_path, "llama", False)
    model = load(tmp_path, attention=lambda config: "eager" if config.hidden_size == 64 else "sdpa")
    assert model.lm.config._attn_implementation == "eager"
    assert load(tmp_path).lm.config._attn_implementation == "sdpa"


@pytest.mark.parametrize("family", ["gpt2", "opt", "mixtral"])
def test_each_decoder_layer_is_a_group_of_its_own_and_the_rest_one(tmp_path, one_rank, family):
    save_family(tmp_path, family, FAMILIES[family].tied[0])
    model = load(tmp_path, init_device_mesh("cpu", (1,)))
    groups = {name for name, module in model.named_modules() if isinstance(module, FSDPModule)}
    hung = {"gpt2": "lm.transformer.h", "opt": "lm.model.decoder.layers", "mixtral": "lm.model.layers"}[
        family
    ]
    assert groups == {"", f"{hung}.0", f"{hung}.1"}


def test_no_weight_is_read_before_the_files_are_known_to_fit(tmp_path, monkeypatch):
    save_family(tmp_path, "llama", False)
    rewrite(tmp_path, lambda tensors: tensors.pop("model.norm.weight"))
    monkeypatch.setattr(file_format, "safe_open", None)
    with pytest.raises(ModelError):
        load(tmp_path)


def test_several_files_are_read_as_their_index_says(tmp_path):
    model = save_family(tmp_path, "llama", False)
    (tmp_path / "model.safetensors").unlink()
    model.save_pretrained(tmp_path, max_shard_size="50KB")
    save_file({"tok_embeddings.weight": torch.ones(2)}, tmp_path / "consolidated.safetensors")
    assert len(list(tmp_path.glob("model-*"))) > 2
    same_tensors(load(tmp_path).lm.state_dict(), model.state_dict())
