"""Python of our own imports nothing of the working directory."""

import ast
import subprocess
from pathlib import Path

import pytest

from psyche_rl.own_python import CODE, python, search_path

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def planted(tmp_path, monkeypatch):
    (tmp_path / "planted.py").write_text("print('run')\n")
    (tmp_path / "pydantic.py").write_text("open('was_run', 'w')\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("given", ["", ":", "a::b", ".:"])
def test_no_file_of_the_working_directory_is_imported(planted, monkeypatch, given):
    monkeypatch.setenv("PYTHONPATH", given)
    named = search_path().split(":")
    assert named[0] == CODE
    assert all(Path(place).is_absolute() for place in named)
    assert (str(planted) in named) == ("." in given)  # it was named
    if "." not in given:
        done = subprocess.run(
            python("-S", "-c", "import planted"),
            env={"PYTHONPATH": search_path()}, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert "No module named 'planted'" in done.stderr


def test_every_python_of_our_own_is_started_that_way():
    found = {
        str(file.relative_to(ROOT))
        for package in ("rewards", "psyche_rl", "actors", "data_pipeline", "launch")
        for file in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "executable"
    }
    assert found == {"psyche_rl/own_python.py"}


@pytest.mark.slow
@pytest.mark.parametrize("start", [["-m", "launch"], ["-P", "-m", "launch"]])
def test_rewards_score_runs_nothing_that_lies_where_it_is_called(planted, start):
    (planted / "rows.jsonl").write_text(
        '{"response": "答案：A", "gold": "A", "options": ["a", "b"]}\n', "utf-8"
    )
    (planted / "reward.yaml").write_text("reward: mcq_strict\n")
    done = subprocess.run(
        [python()[0], *start, "rewards", "score", "reward.yaml", "rows.jsonl"],
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not (planted / "was_run").exists()
