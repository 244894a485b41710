"""The one table of accuracies."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

from psyche_rl.report.accuracies import accuracy_rows, interval, kinds_of, percent, print_accuracies

ROOT = Path(__file__).resolve().parents[3]


def result(accuracy: float, **more: Any) -> dict[str, Any]:
    return {"strict_accuracy": accuracy, "n": 40, "interval": [0.2, 0.4], "format_rate": 0.975, **more}


PART = {"strict_accuracy": 0.25, "n": 20}
EVALUATION = {
    "base": result(0.3, by_kind={"multiple": PART, "single": PART}),
    "grpo": result(0.8, by_kind={"short": PART}, mean_length=12.25, too_long=1234),
}


def test_rows_say_all_that_was_recorded_and_a_dash_for_what_was_not():
    base, grpo = accuracy_rows(EVALUATION)
    assert (base.model, base.overall.share, base.overall.interval, base.overall.n) == (
        "Base",
        "30.0 %",
        "20.0 – 40.0 %",
        40,
    )
    assert (base.format_rate, base.mean_length, base.too_long) == ("97.5 %", "–", "–")
    assert (grpo.model, grpo.mean_length, grpo.too_long) == ("GRPO", "12.2", "1,234")
    assert list(base.by_kind) == list(grpo.by_kind) == ["single", "multiple", "short"] == kinds_of(EVALUATION)
    assert base.by_kind["short"] is None
    single = base.by_kind["single"]
    assert single is not None
    assert (single.share, single.interval, single.n) == ("25.0 %", "11.2 – 46.9 %", 20)  # Wilson


def test_the_confidence_reaches_what_has_no_interval_of_its_own():
    wide, narrow = accuracy_rows(EVALUATION, 0.99)[0], accuracy_rows(EVALUATION, 0.5)[0]
    assert wide.by_kind["single"] != narrow.by_kind["single"]
    assert wide.overall == narrow.overall


def test_the_terminal_shows_the_same_words(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    print_accuracies(EVALUATION, 0.95)
    out = capsys.readouterr().out
    for row in accuracy_rows(EVALUATION):
        [line] = [line for line in out.splitlines() if line.startswith(f"│ {row.model} ")]
        cells = [cell.strip() for cell in line.strip("│").split("│")]
        assert cells == [
            row.model,
            row.overall.share,
            row.overall.interval,
            *(part.share if part else "–" for part in row.by_kind.values()),
            row.format_rate,
            row.mean_length,
            "40",
        ]


def test_what_was_left_to_a_judge_has_a_column_where_one_was_asked(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    assert [row.judged for row in accuracy_rows(EVALUATION)] == ["–", "–"]
    print_accuracies(EVALUATION, 0.95)
    assert "judge" not in capsys.readouterr().out
    asked = EVALUATION | {"grpo": EVALUATION["grpo"] | {"judged": {"share": 0.125}}}
    print_accuracies(asked, 0.95)
    lines = [line for line in capsys.readouterr().out.splitlines() if "GRPO" in line or "judge" in line]
    assert lines[0].rstrip("┃ ").endswith("judge")
    assert lines[1].rstrip("│ ").endswith("12.5 %")


def test_the_learning_benchmark_shows_them_too(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(ROOT / "benchmarks"), *sys.path])
    table = runpy.run_path(str(ROOT / "benchmarks" / "learning.py"))["table"]
    rows = json.loads((ROOT / "benchmarks" / "results" / "learning.json").read_text("utf-8"))["rows"]
    name, row = next(iter(rows.items()))
    base, sft, grpo = accuracy_rows({m: row["evaluation"][m] for m in ("base", "sft", "grpo")})
    line = table({name: row}).splitlines()[-1]
    for model in (base, sft, grpo):
        assert f"| {model.overall.share} (" in line


@pytest.mark.parametrize(
    ("value", "said"), [(None, "–"), (0.0, "0.0 %"), (1.0, "100.0 %"), (0.12345, "12.3 %")]
)
def test_shares(value, said):
    assert percent(value) == said
    assert interval((0.1, 0.2)) == "10.0 – 20.0 %"
