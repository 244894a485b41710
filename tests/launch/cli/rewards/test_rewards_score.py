"""``psyche-rl rewards score``: figures, errors and suspects of a file, from samples or a run's rollouts."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from launch.cli.app import app
from launch.sample_rows import samples_of
from psyche_rl.records import ScoredSample

EXAM = "name: exam\ncompose: sum\nrewards:\n- reward: mcq_strict\n- {reward: think_format, weight: 0.5}\n"
OPTIONS = ["内隐记忆", "外显记忆", "感觉记忆", "工作记忆"]
GOOD = {"response": "<think>先看题干，再排除。</think>答案：B", "gold": "B", "options": OPTIONS}
LOOP = {**GOOD, "id": "loop", "response": "<think></think>" + "答案：B，" * 100}


def score(*arguments):
    return CliRunner().invoke(app, ["rewards", "score", *map(str, arguments)])


@pytest.fixture
def exam(tmp_path):
    path = tmp_path / "exam.yaml"
    path.write_text(EXAM)
    return path


def written(path, *rows):
    path.write_text("\n".join(r if isinstance(r, str) else json.dumps(r) for r in rows) + "\n", "utf-8")
    return path


def test_figures_parts_errors_and_suspects(exam, tmp_path):
    rows = [GOOD, GOOD, {**GOOD, "response": "答案：C"}, {**GOOD, "gold": "E"}, LOOP]
    out = tmp_path / "scores.parquet"
    done = score(exam, written(tmp_path / "a.jsonl", *rows), "--json", "--out", out)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["rows"], told["bad_rows"]) == (5, 0)
    assert told["value"] == {"n": 4, "mean": 1.125, "min": 0.0, "max": 1.5}
    assert told["parts"]["mcq_strict"] == {"n": 4, "mean": 0.75, "min": 0.0, "max": 1.0}
    assert told["errors"]["bad_gold"]["count"] == 1
    assert told["errors"]["bad_gold"]["row"] == 4
    (suspect,) = told["suspicious"]
    assert (suspect["row"], suspect["id"], suspect["value"]) == (5, "loop", 1.5)
    assert suspect["signs"] == ["empty think", "very long", "repeated text"]

    kept = pq.read_table(out).to_pylist(maps_as_pydicts="strict")
    assert [row["value"] for row in kept] == [1.5, 1.5, 0.0, None, 1.5]
    assert kept[0]["parts"] == {"mcq_strict": 1.0, "think_format": 1.0}
    assert kept[3]["error_kind"] == "bad_gold"


def test_the_table_is_for_people(exam, tmp_path):
    done = score(exam, written(tmp_path / "a.jsonl", GOOD, LOOP, {**GOOD, "gold": "[red]"}))
    assert done.exit_code == 0, done.output
    for text in ("mcq_strict", "1.5000", "bad_gold", "empty think", "[red]"):
        assert text in done.stdout


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("{", "not JSON"),
        ("[1]", "not an object but list"),
        ({"gold": "B"}, "response: Field required"),
        ({"response": "B"}, "gold: Field required"),
        ({**GOOD, "options": "ABCD"}, "options: "),
        ({**GOOD, "options": [1]}, "options.0: "),
        ({**GOOD, "gold": 3}, "gold: "),
    ],
)
def test_a_bad_row_is_named_and_counted_and_the_rest_goes_on(exam, tmp_path, bad, says):
    path = written(tmp_path / "a.jsonl", GOOD, bad, "", GOOD)
    done = score(exam, path, "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["value"]["n"] == 2
    line, count = done.stderr.splitlines()
    assert line.startswith(f"{path}: row 2: ")
    assert says in line
    assert count == f"{path}: 1 bad row skipped"


def test_a_scorer_that_hangs_or_dies_costs_its_own_row(tmp_path):
    rogue = tmp_path / "rogue.yaml"
    fakes = Path(__file__).parents[3] / "fakes"
    rogue.write_text(f"reward: {fakes}/reward_rogues.py:Obedient\n", "utf-8")
    rows = [{"id": "1", "response": deed, "gold": "A"} for deed in ("", "hang", "die", "")]
    done = score(rogue, written(tmp_path / "a.jsonl", *rows), "--json", "--timeout-s", 1)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["value"]["n"] == 2
    assert {kind: error["row"] for kind, error in told["errors"].items()} == {
        "timeout": 2,
        "scorer_exception": 3,
    }


def test_nothing_to_score_is_told(exam, tmp_path):
    done = score(exam, written(tmp_path / "a.jsonl", "{"))
    assert done.exit_code == 1
    assert "0 of 1 rows" in done.stdout


@pytest.mark.parametrize(
    ("name", "says"), [("none.jsonl", "cannot be read (No such"), ("no.parquet", "parquet")]
)
def test_a_file_that_cannot_be_read_is_one_line(exam, tmp_path, name, says):
    (tmp_path / "no.parquet").write_text("no")
    done = score(exam, tmp_path / name)
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1
    assert says in done.stderr


def test_rollouts_of_a_run_are_read_with_the_options_shown(exam, tmp_path):
    prompt = "甲说：\nA.这不是选项\n哪一种记忆？\n" + "\n".join(
        f"{letter}.{text}" for letter, text in zip("ABCD", OPTIONS, strict=True)
    )
    row = ScoredSample(
        step=1, group_id="1/0", question_id="q", sample_id="1/0/0", prompt=prompt,
        response="外显记忆", gold="B", response_length=4, finish_reason="length",
        reward=1.0, reward_parts={}, reward_error=None,
        advantage=None, weight_version=0,
    )  # fmt: skip
    path = tmp_path / "step_000001.parquet"
    pq.write_table(ScoredSample.to_table([row]), path)
    ((number, sample),) = samples_of(str(path))
    assert number == 1
    assert sample.options == tuple(OPTIONS)
    assert (sample.id, sample.kind, sample.truncated, sample.response_tokens) == ("1/0/0", "single", True, 4)
    assert json.loads(score(exam, path, "--json").stdout)["value"]["mean"] == 1.0
