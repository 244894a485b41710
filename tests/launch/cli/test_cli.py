"""The command line as a user meets it: light to start, and one line for each mistake."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from launch.cli import app as command_line
from psyche_rl.records import ALL_RECORDS

ROOT = Path(__file__).resolve().parents[3]
HEAVY = {"torch", "ray", "vllm", "transformers", "verl", "datasets", "tensordict"}


def psyche_rl(*arguments: str) -> Result:
    """In this process, since each start of an interpreter takes seconds."""
    return CliRunner().invoke(command_line.app, arguments, env={"COLUMNS": "200"})


def psyche_rl_alone(*arguments: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    command = [sys.executable, "-m", "launch", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env=env, timeout=120, check=False
    )


def modules_after(code: str) -> set[str]:
    """Top-level modules that are loaded once ``code`` has run in a fresh interpreter."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted({{n.split('.')[0] for n in sys.modules}})))"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=env, timeout=120, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


HELP = """
from typer.testing import CliRunner
import launch.cli.app
assert CliRunner().invoke(launch.cli.app.app, ["--help"]).exit_code == 0
"""
LIGHT = "launch.pipeline, launch.cli.status, launch.checks.doctor, psyche_rl.progress"
LIGHT += ", launch.checks.engine_smokes, launch.api"


def test_help_imports_nothing_heavy():
    loaded = modules_after(HELP)
    assert "launch" in loaded
    assert not loaded & (HEAVY | {"numpy", "pyarrow", "pydantic", "matplotlib"})


def test_config_pipeline_status_and_doctor_import_no_engine():
    assert not modules_after(f"import {LIGHT}") & HEAVY


def test_help_names_every_command():
    done = psyche_rl("--help")
    assert done.exit_code == 0
    for command in (
        "run",
        "synth",
        "select",
        "sft",
        "grpo",
        "ledger",
        "watch",
        "eval",
        "report",
        "status",
        "doctor",
        "teacher",
        "schema",
    ):
        assert f"\n  {command} " in done.stdout


@pytest.fixture
def config(tmp_path) -> str:
    path = tmp_path / "mini.yaml"
    path.write_text(f"run_dir: {tmp_path}/run\nmini: {{}}\n")
    return str(path)


def assert_one_line(done: Result, *words: str) -> None:
    assert done.exit_code == 2, done
    assert "Traceback" not in done.stdout + done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("error: ")
    for word in words:
        assert word in lines[0]


def test_a_missing_config_file(tmp_path):
    asked = ("run", str(tmp_path / "no.yaml"))
    done, alone = psyche_rl(*asked), psyche_rl_alone(*asked)
    assert_one_line(done, "no.yaml: no such config file", "launch/configs")
    assert (alone.returncode, alone.stdout, alone.stderr) == (done.exit_code, done.stdout, done.stderr)


def test_an_unknown_key_suggests_the_nearest(config):
    assert_one_line(
        psyche_rl("run", config, "grpo.group_sise=4"), "'grpo.group_sise'", "did you mean 'grpo.group_size'?"
    )


def test_an_override_that_is_none(config):
    assert_one_line(psyche_rl("run", config, "grpo.lr"), "override 'grpo.lr': write it as key.sub=value")


def test_a_value_that_does_not_fit(config):
    assert_one_line(
        psyche_rl("grpo", config, "grpo.group_size=1"), "'grpo.group_size'", "greater than or equal to 2"
    )


def test_a_stage_whose_inputs_are_missing(config, tmp_path):
    assert_one_line(psyche_rl("grpo", config), "stage 'grpo' needs 'world'")


def test_redoing_a_stage_that_is_none(config):
    assert_one_line(psyche_rl("run", config, "--from", "train"), "--from train: no such stage", "synth")


def test_a_run_dir_that_cannot_be(config, tmp_path):
    (tmp_path / "file").write_text("")
    assert_one_line(psyche_rl("run", config, f"run_dir={tmp_path}/file"), "cannot be written", "run_dir")
    assert_one_line(psyche_rl("run", config, "run_dir=nowhere://x"), "nowhere://x")


def test_status_of_a_missing_run(tmp_path):
    assert_one_line(psyche_rl("status", str(tmp_path / "nowhere")), "no run here")
    assert_one_line(psyche_rl("status", str(tmp_path / "nowhere"), "--json"), "no run here")


def test_schema_writes_one_file_per_record(tmp_path):
    assert psyche_rl("schema", str(tmp_path)).exit_code == 0
    question = json.loads((tmp_path / "Question.schema.json").read_text("utf-8"))
    assert question["properties"]["kind"]["enum"] == ["single", "multiple", "case", "short"]
    assert len(list(tmp_path.iterdir())) == len(ALL_RECORDS)


def test_schema_into_a_file_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    assert_one_line(psyche_rl("schema", str(tmp_path / "file")), "file cannot be written", "another folder")
