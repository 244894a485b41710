"""``psyche-rl compare`` in the terminal: no line is wider than 80 columns, no figure is cut."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from launch.cli.app import app
from psyche_rl.evaluation import GradedAnswer
from psyche_rl.records import Question
from psyche_rl.store import Manifest, RunStore, StageEntry

LONG = "a_run_whose_folder_has_a_name_that_would_fill_the_whole_width_of_a_terminal_alone"


def make(folder, seed):
    store = RunStore(str(folder))
    settings = {"seed": seed, "data.passages": f"/data/{LONG}/{seed}.jsonl", "sft.ranks": seed}
    stage = StageEntry(status="done", started="2026-11-28T00:00:00+00:00", settings=settings)
    Manifest(created="2026-11-28T00:00:00+00:00", stages={"grpo": stage}).save(store)
    rows = [{"step": n, "reward/mean": n / 7 + seed, "kl/mean": 1e-5 * n} for n in range(1, 2001, 50)]
    store.write_jsonl("grpo/metrics.jsonl", rows)
    questions = [
        Question(id=f"q{n}", kind="single", stem=f"第{n}题？", options=("一", "二"), gold="A", source="x")
        for n in range(40)
    ]
    store.write_records("eval/questions.parquet", Question, questions)
    answers = [
        GradedAnswer(
            question_id=q.id, kind="single", response="", answer="A", correct=n % (seed + 2) == 0,
            format_ok=True, response_length=1, finish_reason="stop",
        )
        for n, q in enumerate(questions)
    ]  # fmt: skip
    store.write_records("eval/grpo.parquet", GradedAnswer, answers)
    store.write_json("eval/summary.json", {"grpo": {"strict_accuracy": 1 / (seed + 2), "n": 40}})
    return store.url


def test_tables_fit_the_terminal_and_json_says_the_same(tmp_path):
    urls = [make(tmp_path / f"r{seed}", seed) for seed in (0, 1, 2)]
    shown = CliRunner().invoke(app, ["compare", *urls, "--draws", "50"])
    assert shown.exit_code == 0, shown.output
    lines = shown.output.splitlines()
    assert max(len(line) for line in lines if not line.startswith(("A =", "B =", "C ="))) <= 80
    assert "…" not in shown.output
    assert shown.output.count("█\n") + shown.output.count("█ \n") >= 6  # a curve ends where it ends
    for figure in (
        "50.0 % of 40",
        "33.3 % of 40",
        "0.143",
        "279",
        "C - B",
        "(free to change)",
    ):
        assert figure in shown.output
    told = json.loads(CliRunner().invoke(app, ["compare", *urls, "--draws", "50", "--json"]).output)
    assert len(told["tests"]) == 3
    assert told["tests"][0]["difference"] == (14 - 20) / 40


def test_one_run_is_one_line(tmp_path):
    shown = CliRunner().invoke(app, ["compare", make(tmp_path / "r", 0)])
    assert shown.exit_code != 0
    assert len(shown.output.strip().splitlines()) == 1
