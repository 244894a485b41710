from actors.engines.served_folder import own_files


def test_weights_that_are_not_the_models_are_not_shown_to_the_engine(tmp_path):
    for name in ("config.json", "model.safetensors", "consolidated.safetensors"):
        (tmp_path / name).write_text(name)
    with own_files(tmp_path) as served:
        assert served != tmp_path
        assert {path.name: path.read_text() for path in served.iterdir()} == {
            name: name for name in ("config.json", "model.safetensors")
        }
    assert not served.exists()
    (tmp_path / "consolidated.safetensors").unlink()
    with own_files(tmp_path) as served:
        assert served == tmp_path
    assert served.exists()
