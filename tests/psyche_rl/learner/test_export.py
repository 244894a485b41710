"""The folder that is written: everything of the old one but its weights and their type."""

import json
import uuid

import fsspec
import torch
from safetensors import safe_open

from psyche_rl.learner.export import write_model_folder

WEIGHTS = {"a": torch.arange(4, dtype=torch.bfloat16)}


def origin(tmp_path):
    folder = tmp_path / "origin"
    (folder / "sub").mkdir(parents=True)
    config = {"model_type": "甲", "torch_dtype": "float32"}
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    for name in ("tokenizer.json", "chat_template.jinja"):
        (folder / name).write_text(name, "utf-8")
    for name in ("model.safetensors", "x.bin", "x.pt", "x.pth", "model.safetensors.index.json"):
        (folder / name).write_text("old", "utf-8")
    return folder


def test_weights_and_their_type_are_new_and_the_rest_is_kept(tmp_path):
    target = tmp_path / "out"
    write_model_folder(WEIGHTS.items(), origin(tmp_path), str(target))
    assert sorted(file.name for file in target.iterdir()) == [
        "chat_template.jinja", "config.json", "model.safetensors", "tokenizer.json",
    ]  # fmt: skip
    text = (target / "config.json").read_text("utf-8")
    assert json.loads(text) == {"model_type": "甲", "dtype": "bfloat16"}
    assert text == json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    assert (target / "tokenizer.json").read_text("utf-8") == "tokenizer.json"
    with safe_open(target / "model.safetensors", "pt") as file:
        assert torch.equal(file.get_tensor("a"), WEIGHTS["a"])
        assert file.metadata()["format"] == "pt"


def test_behind_a_url_the_config_comes_last(tmp_path, monkeypatch):
    fs, put = fsspec.filesystem("memory"), []
    real = type(fs).put_file

    def noted(self, local, remote, **options):
        put.append(remote.rpartition("/")[2])
        return real(self, local, remote, **options)

    monkeypatch.setattr(type(fs), "put_file", noted)
    name = uuid.uuid4().hex
    write_model_folder(WEIGHTS.items(), origin(tmp_path), f"memory://{name}/deep/out")
    assert put[-1] == "config.json"
    assert set(put) == {"chat_template.jinja", "model.safetensors", "tokenizer.json", "config.json"}
    assert fs.exists(f"/{name}/deep/out/config.json")
