"""``psyche-rl bench leaderboard``, ``contamination``, ``export`` and ``view``, as a user calls them."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest
from item_rows import board_rows, own_essays
from typer.testing import CliRunner

from launch.cli.app import app
from psyche_rl.evaluation.item_result import ItemResult
from psyche_rl.store import RunStore


@pytest.fixture
def results(tmp_path) -> str:
    store = RunStore(str(tmp_path / "results"))
    store.write_records("pceb/rows.parquet", ItemResult, board_rows(4))
    store.write_text("essays.yaml", own_essays().model_dump_json())
    return store.url


def call(*arguments: str) -> tuple[int, str, str]:
    done = CliRunner(env={"COLUMNS": "240"}).invoke(app, ["bench", *arguments])
    return done.exit_code, done.stdout, done.stderr


def test_a_leaderboard_is_shown_and_written(tmp_path, results):
    found = {"run": "r", "compared": {}, "settings": {}, "benchmarks": {
        "pceb": {"items": 24, "found": {"theory_single-0": []}}}}  # fmt: skip
    (tmp_path / "found.json").write_text(json.dumps(found))
    out, described = tmp_path / "board", ("--benchmark", f"{results}/essays.yaml")
    code, said, _ = call(
        "leaderboard",
        results,
        *described,
        "--out",
        str(out),
        "--contamination",
        f"warm_v2={tmp_path}/found.json",
    )
    assert code == 0
    assert "published, not rerun" in said
    assert {file.name for file in out.iterdir()} == {
        f"leaderboard.{end}" for end in ("html", "json", "parquet", "tex")
    }
    cells = json.loads((out / "leaderboard.json").read_text("utf-8"))["cells"]
    assert pq.read_table(out / "leaderboard.parquet").num_rows == len(cells)
    code, said, _ = call("leaderboard", results, *described, "--no-published", "--json")
    assert not any(cell["published"] for cell in json.loads(said)["cells"])


def test_a_task_is_exported_and_what_is_wrong_is_a_line(tmp_path):
    code, said, _ = call("export", "--benchmark", "mini_exam", "--out", str(tmp_path / "tasks"))
    assert code == 0
    assert "--tasks psyche_rl_mini_exam" in said
    for arguments, why in (
        (("export", "--benchmark", "mini_exam", "--out", "x", "--format", "helm"), "formats are lm-eval"),
        (("export", "--benchmark", "pceb", "--out", "x"), "give its data with --data"),
        (
            ("export", "--benchmark", "pceb", "--benchmark", "mini_exam", "--data", "d", "--out", "x"),
            "write NAME=PATH",
        ),
        (("leaderboard", str(tmp_path / "gone")), "no such file or folder"),
        (("view", str(tmp_path), "--out", "x"), "no item results there"),
        (
            ("contamination", str(tmp_path), "--benchmark", "mini_exam", "--model", "base"),
            "trains sft and grpo",
        ),
    ):
        code, _, error = call(*arguments)
        assert code == 2
        assert why in error
        assert error.count("\n") == 1
