"""Steps between files and parameters, by made-up conversions: what no family of ours has today."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from model_families import FAMILIES, save_family
from transformers.core_model_loading import Chunk, Concatenate, Transpose, WeightConverter, WeightRenaming

from psyche_rl.errors import ModelError
from psyche_rl.learner import file_format
from psyche_rl.learner.empty_model import empty_model
from psyche_rl.learner.file_format import FileFormat
from psyche_rl.model_folder import StoredTensor, stored_tensors

CPU = torch.device("cpu")


@pytest.fixture
def llama(tmp_path):
    assert "llama" in FAMILIES
    save_family(tmp_path, "llama", False)
    return empty_model(tmp_path, torch.float32, lambda _: "sdpa"), stored_tensors(tmp_path)


def by_rules(monkeypatch, lm, stored, *rules):
    monkeypatch.setattr(file_format, "get_model_conversion_mapping", lambda _: list(rules))
    return FileFormat(lm, stored)


def fused(stored, *parts, into):
    """What a folder would hold that keeps some tensors of each layer as one."""
    stored = dict(stored)
    for layer in range(2):
        shapes = [stored.pop(f"model.layers.{layer}.mlp.{part}.weight").shape for part in parts]
        rows = sum(shape[0] for shape in shapes)
        stored[f"model.layers.{layer}.mlp.{into}.weight"] = StoredTensor(
            Path("f"), "BF16", (rows, shapes[0][1])
        )
    return stored


CHUNK = WeightConverter(
    "mlp.both.weight", ["mlp.gate_proj.weight", "mlp.up_proj.weight"], operations=[Chunk(dim=0)]
)


def test_one_tensor_of_the_files_may_be_several_parameters(llama, monkeypatch):
    lm, stored = llama
    form = by_rules(monkeypatch, lm, fused(stored, "gate_proj", "up_proj", into="both"), CHUNK)
    (step,) = [s for s in form.steps if s.sources == ["model.layers.1.mlp.both.weight"]]
    gate, up = (f"model.layers.1.mlp.{part}_proj.weight" for part in ("gate", "up"))
    assert step.dtypes == {gate: torch.bfloat16, up: torch.bfloat16}
    whole = torch.rand(192, 64)
    read = form.read(step, lambda name: {"model.layers.1.mlp.both.weight": whole}[name])
    assert torch.equal(read[gate], whole[:96])
    assert torch.equal(read[up], whole[96:])
    written = form.write(step, read)
    assert written.keys() == {"model.layers.1.mlp.both.weight"}
    assert torch.equal(written["model.layers.1.mlp.both.weight"], whole)


def test_a_parameter_that_comes_alone_too_would_be_filled_twice(llama, monkeypatch):
    lm, stored = llama
    both = fused(stored, "gate_proj", "up_proj", into="both")
    name = "model.layers.0.mlp.up_proj.weight"
    with pytest.raises(ModelError, match=r"layers\.0\.mlp\.up_proj\.weight would be filled more than once"):
        by_rules(monkeypatch, lm, {**both, name: stored[name]}, CHUNK)


def test_what_cannot_be_written_back_as_it_was_is_refused(llama, monkeypatch):
    lm, stored = llama
    rule = WeightConverter("up_proj.weight", "up_proj.weight", operations=[Transpose(0, 1, check_dims=True)])
    name = "model.layers.0.mlp.up_proj.weight"
    turned = StoredTensor(Path("f"), "F32", (64, 96))
    assert by_rules(monkeypatch, lm, stored, rule)  # as it should be, and left so
    with pytest.raises(
        ModelError, match=r"layers\.0\.mlp\.up_proj\.weight cannot be written back as they were"
    ):
        by_rules(monkeypatch, lm, {**stored, name: turned}, rule)


def test_a_renaming_that_leads_nowhere_is_not_applied(llama, monkeypatch):
    lm, stored = llama
    form = by_rules(monkeypatch, lm, stored, WeightRenaming(r"up_proj", "elsewhere"))
    assert {name: step.sources for step in form.steps for name in step.dtypes} == {n: [n] for n in stored}


def test_a_parameter_must_be_there_even_if_transformers_would_begin_it_anew(llama, monkeypatch):
    lm, stored = llama
    lm._keys_to_ignore_on_load_missing = {r"norm\.weight"}
    stored.pop("model.norm.weight")
    with pytest.raises(ModelError, match=r"lack model\.norm\.weight"):
        FileFormat(lm, stored)
    lm._keys_to_ignore_on_load_missing = {"kept"}
    lm.model.register_buffer("kept", torch.ones(2))
    lm.model.register_buffer("lost", torch.ones(2))
    stored["model.norm.weight"] = StoredTensor(Path("f"), "F32", (64,))
    with pytest.raises(ModelError, match=r"lack model\.lost;"):
        FileFormat(lm, stored)
    del lm.model.lost
    FileFormat(lm, stored)


def test_tensors_of_two_types_are_fused_in_the_wider(llama, monkeypatch):
    lm, stored = llama
    form = by_rules(monkeypatch, lm, stored)
    rule = WeightConverter(
        [f"{part}_half.weight" for part in "ab"], "mlp.up_proj.weight", operations=[Concatenate(dim=0)]
    )
    for layer in range(2):
        place = f"model.layers.{layer}."
        del stored[f"{place}mlp.up_proj.weight"]
        stored |= {
            f"{place}a_half.weight": StoredTensor(Path("f"), "BF16", (48, 64)),
            f"{place}b_half.weight": StoredTensor(Path("f"), "F32", (48, 64)),
        }
    form = by_rules(monkeypatch, lm, stored, rule)
    (step,) = [s for s in form.steps if "model.layers.0.a_half.weight" in s.sources]
    assert step.dtypes == {"model.layers.0.mlp.up_proj.weight": torch.float32}
    parts = {n: torch.rand(stored[n].shape) for n in step.sources}
    assert {n: t.tolist() for n, t in form.write(step, form.read(step, parts.__getitem__)).items()} == {
        n: t.tolist() for n, t in parts.items()
    }
