"""What a user does wrong ends in one line that says what to do, not in a traceback."""

from __future__ import annotations

import socket

import pytest
from command import REPOSITORY, TINY, psyche_rl

GIVEN = ("mini=null", "data.questions=tests/e2e/none", "teacher.attempts=1")
"""Without a mini world nothing has to be made before synthesis."""


def refused(*arguments: object, mistakes: int = 1) -> str:
    """Run into an error; returns its lines, one for each mistake."""
    ended = psyche_rl(*arguments)
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr + ended.stdout
    lines = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    assert ended.stderr.splitlines()[-mistakes:] == lines
    return "\n".join(lines)


def test_a_dead_teacher(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"  # bound but not listened on: refuses
        line = refused("synth", TINY, f"run_dir={tmp_path}/run", f"teacher.base_url={url}", *GIVEN)
    assert url in line
    assert "teacher.base_url" in line


def test_passages_that_are_not_there(tmp_path):
    missing = tmp_path / "nowhere.jsonl"
    line = refused(
        "synth",
        TINY,
        f"run_dir={tmp_path}/run",
        f"data.passages={missing}",
        "teacher.base_url=http://127.0.0.1:9/v1",
        *GIVEN,
        mistakes=2,  # nothing listens there either, and both are told at once
    )
    assert f"{missing}: no such file or folder" in line
    assert "data section" in line


@pytest.fixture
def selected(tmp_path):
    """A run folder in which synthesis and selection are done."""
    from psyche_rl.config import load_config
    from psyche_rl.stages.settings import stage_settings
    from psyche_rl.store import Manifest, RunStore, StageEntry

    config = load_config(REPOSITORY / TINY, [f"run_dir={tmp_path}/run", *GIVEN])
    store, manifest = RunStore(config.run_dir), Manifest(created="2026-01-01T00:00:00+00:00")
    for stage in ("synth", "select"):
        entry = StageEntry(status="done", started=manifest.created, settings=stage_settings(stage, config))
        manifest.stages[stage] = entry
    manifest.save(store)
    return config.run_dir


def test_a_model_folder_without_a_tokenizer(tmp_path, selected):
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    (model / "model.safetensors").write_bytes(b"")
    line = refused("sft", TINY, f"run_dir={selected}", f"model={model}", *GIVEN)
    assert f"{model}: no tokenizer" in line
    assert "save it beside the model" in line


def test_an_unknown_key(tmp_path):
    line = refused("run", TINY, f"run_dir={tmp_path}/run", "grpo.lrr=1")
    assert "'grpo.lrr': unknown key (given: 1); did you mean 'grpo.lr'?" in line
