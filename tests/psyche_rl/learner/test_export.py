"""The folder that is written: everything of the old one but its weights and their type."""

import json
import uuid
import weakref

import fsspec
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from psyche_rl.learner import export
from psyche_rl.learner.export import write_model_folder
from psyche_rl.model_folder import weight_files

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


def test_many_tensors_go_into_several_files_with_an_index(tmp_path, monkeypatch):
    monkeypatch.setattr(export, "_FILE_BYTES", 100)
    weights = {f"w{n}": torch.full((10,), float(n)) for n in range(5)} | {"big": torch.ones(50)}
    write_model_folder(
        weights.items(), origin(tmp_path), str(tmp_path / "out"), {"tie_word_embeddings": False}
    )
    files = weight_files(tmp_path / "out")
    assert [file.name for file in files] == [f"model-0000{n}-of-00004.safetensors" for n in range(1, 5)]
    held = [load_file(file) for file in files]
    assert [list(tensors) for tensors in held] == [["w0", "w1"], ["w2", "w3"], ["w4"], ["big"]]
    assert all(torch.equal(t, weights[name]) for tensors in held for name, t in tensors.items())
    index = json.loads((tmp_path / "out" / "model.safetensors.index.json").read_text())
    assert index["metadata"] == {"total_size": 400}
    assert index["weight_map"]["w3"] == "model-00002-of-00004.safetensors"
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config == {"model_type": "甲", "dtype": "float32", "tie_word_embeddings": False}
    assert not list((tmp_path / "out").glob("*.part"))


def test_only_one_files_tensors_are_held_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(export, "_FILE_BYTES", 100)
    alive = []

    def made():
        for n in range(6):
            tensor = torch.ones(10)
            alive.append(weakref.ref(tensor))
            yield f"w{n}", tensor
            del tensor
            assert (
                sum(ref() is not None for ref in alive) <= 3
            )  # two in a file, and the one that is handed over

    write_model_folder(made(), origin(tmp_path), str(tmp_path / "out"))
    assert len(alive) == 6
