import json
import threading
from concurrent.futures import ThreadPoolExecutor

import fsspec
import numpy as np
import pytest
from safetensors.numpy import save_file

from psyche_rl import model_copy
from psyche_rl.errors import ModelError
from psyche_rl.model_folder import (
    context_length,
    fingerprint,
    model_folder,
    parameter_shapes,
    stop_token_ids,
    stored_tensors,
    stray_files,
    tokenizer_folder,
    weight_files,
)


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


def names(paths):
    return [path.name for path in paths]


def test_the_index_says_which_files_are_the_models(folder):
    def index(*files):
        weights = {f"w{n}": file for n, file in enumerate(files)}
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weights}))

    for name in ("consolidated.safetensors", "adapter_model.safetensors", "part-1.safetensors"):
        save_file({name: np.zeros(1, np.float32)}, folder / name)
    assert names(weight_files(folder)) == ["model.safetensors"]
    assert len(stray_files(folder)) == 3
    assert parameter_shapes(folder) == {"w": (2, 3)}
    before = fingerprint(folder)
    (folder / "consolidated.safetensors").write_bytes(b"x")
    assert fingerprint(folder) == before
    index("part-1.safetensors", "model.safetensors", "part-1.safetensors")
    assert names(weight_files(folder)) == ["model.safetensors", "part-1.safetensors"]
    assert parameter_shapes(folder) == {"w": (2, 3), "part-1.safetensors": (1,)}
    assert names(stray_files(folder)) == ["adapter_model.safetensors", "consolidated.safetensors"]
    index("part-1.safetensors")
    with pytest.raises(ModelError, match=r"model\.safetensors lies beside model\.safetensors\.index\.json"):
        model_folder(folder)
    index("model.safetensors", "part-2.safetensors", "part-3.safetensors")
    with pytest.raises(
        ModelError, match=r"of its weights part-2\.safetensors, part-3\.safetensors are missing"
    ):
        model_folder(folder)
    for wrong in ("{", "{}", '{"weight_map": []}', "[]"):
        (folder / "model.safetensors.index.json").write_text(wrong)
        with pytest.raises(ModelError, match=r"index\.json: cannot be read"):
            model_folder(folder)


def test_without_an_index_and_the_usual_names_all_safetensors_count(folder):
    (folder / "model.safetensors").rename(folder / "a.safetensors")
    save_file({"v": np.zeros(4, np.float16)}, folder / "b.safetensors")
    assert names(weight_files(folder)) == ["a.safetensors", "b.safetensors"]
    stored = stored_tensors(folder)
    assert (stored["v"].dtype, stored["v"].shape, stored["v"].file.name) == ("F16", (4,), "b.safetensors")
    assert (stored["w"].dtype, stored["w"].file.name) == ("F32", "a.safetensors")
    save_file({"v": np.zeros(4, np.float16), "w": np.zeros(1)}, folder / "b.safetensors")
    with pytest.raises(ModelError, match=r"b\.safetensors: holds w, as a\.safetensors does"):
        parameter_shapes(folder)


def test_the_fingerprint_follows_the_weights(folder):
    before = fingerprint(folder)
    assert fingerprint(folder) == before
    save_file({"w": np.ones((2, 3), np.float32)}, folder / "model.safetensors")
    assert fingerprint(folder) != before


@pytest.mark.parametrize(
    ("config", "generation", "eos", "stops"),
    [
        ({}, None, 2, (2,)),
        ({}, {"eos_token_id": [7, 2]}, 2, (2, 7)),
        ({"eos_token_id": 5}, {"eos_token_id": 7}, 2, (2, 5, 7)),
        ({"eos_token_id": [9, 5]}, {"temperature": 1}, 2, (2, 5, 9)),
        ({"text_config": {"eos_token_id": [1, 106]}}, None, 1, (1, 106)),
        ({"eos_token_id": None, "text_config": None}, {"eos_token_id": 0}, None, (0,)),
        ({"eos_token_id": -1}, {"eos_token_id": [None, 3]}, 2, (2, 3)),
    ],
)
def test_a_chat_model_stops_at_all_that_ends_its_turn(folder, config, generation, eos, stops):
    (folder / "config.json").write_text(json.dumps(config))
    if generation is not None:
        (folder / "generation_config.json").write_text(json.dumps(generation))
    assert stop_token_ids(folder, eos) == stops


def test_a_model_that_nothing_stops_is_refused(folder):
    (folder / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=r"no token ends a turn; set eos_token"):
        stop_token_ids(folder, None)


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


def test_without_weights_they_are_not_fetched_and_a_whole_copy_serves(
    folder, remote, monkeypatch, tmp_path_factory
):
    node = tmp_path_factory.mktemp("node")
    monkeypatch.setattr("tempfile.tempdir", str(node))
    light = tokenizer_folder(remote)
    assert names(sorted(light.iterdir())) == ["config.json", "tokenizer.json"]
    whole = model_folder(remote)
    assert (whole != light, names(weight_files(whole))) == (True, ["model.safetensors"])
    assert tokenizer_folder(remote) == whole
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"no \*\.safetensors"):
        tokenizer_folder(folder)


def test_who_wants_the_same_model_at_once_waits_for_the_one_who_fetches(
    remote, monkeypatch, tmp_path_factory
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path_factory.mktemp("node")))
    fetched, both_want_it = [], threading.Barrier(2)
    fetch = model_copy._fetch

    def slow_fetch(fs, at, files, target):
        fetched.append(target)
        fetch(fs, at, files, target)

    monkeypatch.setattr(model_copy, "_fetch", slow_fetch)

    def want(_):
        both_want_it.wait(10)
        return model_folder(remote)

    with ThreadPoolExecutor(2) as threads:
        copies = list(threads.map(want, range(2)))
    assert copies[0] == copies[1] == fetched[0]
    assert len(fetched) == 1


@pytest.mark.parametrize("weights", [True, False])
def test_of_a_model_on_the_hub_the_driver_fetches_no_weights(folder, monkeypatch, weights):
    asked = []
    monkeypatch.setattr(
        "huggingface_hub.snapshot_download",
        lambda name, allow_patterns: asked.append(allow_patterns) or folder,
    )
    assert (model_folder if weights else tokenizer_folder)("owner/model") == folder
    assert ("*.safetensors" in asked[0]) == weights
    assert "*.json" in asked[0]


def test_a_url_that_leads_nowhere_is_one_line():
    with pytest.raises(ModelError, match="memory://nowhere/model: no such model folder"):
        model_folder("memory://nowhere/model")


@pytest.mark.parametrize("content", ["[" * 200_000, "[1]", "{", "\0"])
def test_a_json_file_of_a_model_that_holds_no_object_is_one_line(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match=r"config.json: cannot be read \(.*; download the model again"):
        model_folder(tmp_path)
