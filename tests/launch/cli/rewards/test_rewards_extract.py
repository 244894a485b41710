"""``psyche-rl rewards extract``: results as JSON lines, bad rows named, nothing heavy imported."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from launch.cli.app import app

ROOT = Path(__file__).resolve().parents[4]
OPTIONS = ["内隐记忆", "外显记忆", "感觉记忆", "工作记忆"]
GOOD = {"id": "甲", "text": "不选A，故选Ｂ。", "options": OPTIONS}


def extract(*arguments, stdin=None):
    return CliRunner().invoke(app, ["rewards", "extract", *arguments], input=stdin)


def written(path: Path, *rows) -> str:
    path.write_text("\n".join(r if isinstance(r, str) else json.dumps(r) for r in rows) + "\n", "utf-8")
    return str(path)


def test_a_line_for_each_row_with_other_fields_passed_through(tmp_path):
    path = written(tmp_path / "a.jsonl", GOOD, "", {"text": "排除B", "options": OPTIONS})
    done = extract(path)
    assert done.exit_code == 0
    assert done.stderr == ""
    first, second = map(json.loads, done.stdout.splitlines())
    assert first == {"id": "甲", "letters": "B", "span": [6, 7], "rule": "statement"}
    assert second == {"letters": None, "span": None, "rule": "none"}
    assert "甲" in done.stdout


def test_stdin_and_a_lone_surrogate(tmp_path):
    row = json.dumps({"id": "\ud800", "text": "答案：\ud800C", "options": OPTIONS})
    done = extract("-", stdin=row)
    assert done.exit_code == 0
    assert json.loads(done.stdout)["id"] == "\ud800"


def test_options_may_be_given_by_their_letters():
    row = json.dumps({"text": "答案：升华", "options": {"b": "升华", "A": "投射"}})
    assert json.loads(extract("-", stdin=row).stdout)["letters"] == "B"


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("{", "not JSON"),
        ("[1]", "not an object"),
        ('{"text": "A", "stem": 1}', "'stem' is not a string"),
        ('{"options": []}', "no 'text'"),
        ('{"text": 1, "options": []}', "'text' is not a string"),
        ('{"text": "A", "options": ["a", 1]}', "'options' is not a list of strings"),
        ('{"text": "A", "options": "ABCD"}', "'options' is not a list of strings"),
        ('{"text": "A", "options": {"A": 1}}', "'options' is not a list of strings"),
        ('{"text": "A", "options": {"A": "a", "C": "c"}}', "not the letters from A on"),
    ],
)
def test_a_bad_row_is_named_and_counted_and_the_rest_goes_on(tmp_path, bad, says):
    path = written(tmp_path / "a.jsonl", GOOD, bad, GOOD)
    done = extract(path)
    assert done.exit_code == 1
    assert len(done.stdout.splitlines()) == 2
    line, count = done.stderr.splitlines()
    assert line.startswith(f"{path}: row 2: ")
    assert says in line
    assert count == f"{path}: 1 bad row skipped"


def test_bytes_that_are_not_utf8_cost_their_row_alone(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "\xff", "options": []}\n' + json.dumps(GOOD).encode() + b"\n")
    done = extract(str(path))
    assert done.exit_code == 1
    assert len(done.stdout.splitlines()) == 1


def test_a_missing_file_is_one_line(tmp_path):
    done = extract(str(tmp_path / "none.jsonl"))
    assert done.exit_code == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "none.jsonl" in done.stderr


def test_nothing_heavy_is_imported(tmp_path):
    path = written(tmp_path / "a.jsonl", GOOD)
    script = f"""
import sys
from typer.testing import CliRunner
from launch.cli.app import app
assert CliRunner().invoke(app, ["rewards", "extract", {path!r}]).exit_code == 0
print({{"torch", "ray", "transformers", "numpy", "pyarrow"}} & set(sys.modules))
"""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env, check=True)
    assert done.stdout.strip() == "set()"
