"""Secrets that somebody wrote into a config: refused by place, never shown."""

from __future__ import annotations

import pytest

from psyche_rl.config import load_config, parse_config
from psyche_rl.config.bench import bench_config
from psyche_rl.errors import ConfigError, RunFolderError
from psyche_rl.store import RunStore

S3 = "s3://PLANTEDKEY:PLANTED/SECRET+1@bucket/x"
LOOKS = "sk-planted1234567890abcdef"


@pytest.mark.parametrize(
    ("tree", "place"),
    [
        ({"run_dir": S3}, "'run_dir'"),
        ({"data": {"passages": S3.upper()}}, "'data.passages'"),
        ({"model": "HTTPS://planted@hub/x"}, "'model'"),
        ({"decontaminate": {"against": ["a", "Gs://planted:@b"]}}, "'decontaminate.against[1]'"),
        ({"teacher": {"base_url": "HTTP://planted:word@a/v1"}}, "'teacher.base_url'"),
        ({"select": {"selectors": ["http://planted:word@a/v1#m"]}}, "'select.selectors[0]'"),
        ({"teacher": {"api_key_env": LOOKS}}, "'teacher.api_key_env'"),
        ({"teacher": {"api_key_env": "planted0123456789abcdef012345"}}, "'teacher.api_key_env'"),
        ({"eval": {"judge": {"api_key_env": "gsk_planted90123456789abcdef"}}}, "'eval.judge.api_key_env'"),
        ({"teacher": {"api_key": "planted"}}, "'teacher.api_key'"),
        ({"teacher": {"extra_body": {"Authorization": "planted"}}}, "'teacher.extra_body.Authorization'"),
        ({"teacher": {"extra_body": {"a": [LOOKS]}}}, "'teacher.extra_body.a[0]'"),
        ({"teacher": {"prices": {LOOKS: {"prompt": 1}}}}, "'teacher.prices.…'"),
        ({"teacher": {"model": "planted-by-environment"}}, "'teacher.model'"),
    ],
)
def test_a_secret_is_refused_by_its_place(tree, place, monkeypatch):
    monkeypatch.setenv("SOME_TOKEN", "planted-by-environment")
    with pytest.raises(ConfigError) as caught:
        parse_config({"run_dir": "r", "grpo": {"lr": -1}} | tree, "c.yaml")
    told = str(caught.value)
    assert place in told
    assert "planted" not in told.lower()
    assert "'grpo.lr'" in told  # other mistakes are told as well


def test_neither_a_bad_file_nor_a_bad_override_shows_its_text(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("run_dir: r\nteacher: {api_key_env: planted1 planted2: {\n", "utf-8")
    with pytest.raises(ConfigError, match="line") as caught:
        load_config(file)
    assert "planted" not in str(caught.value)
    file.write_text("run_dir: r\n")
    for override in ("teacher.model=[planted", "run_dir.x=planted"):
        with pytest.raises(ConfigError, match="=…'") as caught:
            load_config(file, [override])
        assert "planted" not in str(caught.value)


def test_no_run_folder_is_opened_by_an_address_with_a_secret():
    with pytest.raises(RunFolderError) as caught:
        RunStore(S3)
    assert "PLANTED" not in str(caught.value)


@pytest.mark.parametrize(
    "word", [f"calls.extra_body.a={LOOKS}", f"api_key_env={LOOKS}", f"judge.models=[{S3}#m]"]
)
def test_a_benchmark_run_is_told_no_secret_either(word):
    with pytest.raises(ConfigError) as caught:
        bench_config([word])
    assert "planted" not in str(caught.value).lower()
