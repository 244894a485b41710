import json

import fsspec
import numpy as np
import pytest
from safetensors.numpy import save_file

from psyche_rl.errors import ModelError
from psyche_rl.model_folder import context_length, fingerprint, model_folder, parameter_shapes, stop_token_ids


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"max_position_embeddings": 64}))
    (tmp_path / "tokenizer.json").write_text("{}")
    save_file({"w": np.zeros((2, 3), np.float32)}, tmp_path / "model.safetensors")
    return tmp_path


@pytest.mark.parametrize(
    ("lacking", "said"),
    [
        ("config.json", "no config.json"),
        ("tokenizer.json", "no tokenizer"),
        ("model.safetensors", "no *.safetensors"),
    ],
)
def test_a_missing_part_is_one_line_that_names_folder_and_part(folder, lacking, said):
    (folder / lacking).unlink()
    with pytest.raises(ModelError) as caught:
        model_folder(str(folder))
    assert str(folder) in str(caught.value)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_path_that_is_not_there_is_not_looked_for_on_the_hub(tmp_path):
    with pytest.raises(ModelError, match="no such model folder"):
        model_folder(str(tmp_path / "nowhere"))


def test_headers_tell_shapes_and_config_the_context(folder):
    assert model_folder(str(folder)) == folder
    assert parameter_shapes(folder) == {"w": (2, 3)}
    assert context_length(folder, 4096) == 64
    assert context_length(folder, 32) == 32


def test_the_fingerprint_follows_the_weights(folder):
    before = fingerprint(folder)
    assert fingerprint(folder) == before
    save_file({"w": np.ones((2, 3), np.float32)}, folder / "model.safetensors")
    assert fingerprint(folder) != before


def test_a_chat_model_stops_at_its_own_end_of_turn_too(folder):
    assert stop_token_ids(folder, 2) == (2,)
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [7, 2]}))
    assert stop_token_ids(folder, 2) == (2, 7)


@pytest.fixture
def remote(folder):
    store = fsspec.filesystem("memory")
    store.put(str(folder), f"/bucket/{folder.name}", recursive=True)
    yield f"memory://bucket/{folder.name}"
    store.rm("/bucket", recursive=True)


def test_a_folder_behind_a_url_is_copied_once_to_the_node(folder, remote, monkeypatch, tmp_path_factory):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path_factory.mktemp("node")))
    copy = model_folder(remote)
    assert fingerprint(copy) == fingerprint(folder)
    (copy / "seen").touch()
    assert (model_folder(remote) / "seen").exists()
    fsspec.filesystem("memory").pipe(f"{remote}/config.json", b'{"max_position_embeddings": 8}')
    assert context_length(model_folder(remote), 64) == 8
    assert model_folder(f"file://{folder}") == folder


def test_a_url_that_leads_nowhere_is_one_line():
    with pytest.raises(ModelError, match="memory://nowhere/model: no such model folder"):
        model_folder("memory://nowhere/model")
