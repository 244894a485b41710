"""Runs against each other: differing settings, curves on common axes, paired tests by hand."""

import json
import re

import pytest

from psyche_rl.errors import ConfigError, RunFolderError
from psyche_rl.evaluation import GradedAnswer
from psyche_rl.evaluation.cluster_draws import BootstrapSettings
from psyche_rl.evaluation.paired_tests import mcnemar_p
from psyche_rl.records import Question
from psyche_rl.run_comparison import compare_runs
from psyche_rl.run_comparison.comparison_page import names_in_figures, render_comparison, write_comparison
from psyche_rl.store import Manifest, RunStore, StageEntry

DRAWS = BootstrapSettings(200)


def question(id_, stem=None, case=None):
    stem = stem or f"第{id_}题，下列哪项正确？"
    return Question(
        id=id_,
        kind="case" if case else "single",
        stem=stem,
        case=case,
        options=("一", "二"),
        gold="A",
        source="x",
    )


def answer(id_, correct):
    return GradedAnswer(
        question_id=id_, kind="single", response="答案：A", answer="A", correct=correct, format_ok=True,
        response_length=3, finish_reason="stop",
    )  # fmt: skip


def entry(**settings):
    return StageEntry(status="done", started="2026-11-28T00:00:00+00:00", settings=settings)


def make(folder, stages, grpo=(), right=None, questions=None):
    """A run; ``right``: id -> whether the GRPO model answers it right."""
    store = RunStore(str(folder))
    Manifest(created="2026-11-28T00:00:00+00:00", stages=stages).save(store)
    store.write_jsonl("grpo/metrics.jsonl", grpo)
    if right is not None:
        asked = [question(id_) for id_ in right] if questions is None else questions
        store.write_records("eval/questions.parquet", Question, asked)
        store.write_records("eval/grpo.parquet", GradedAnswer, [answer(i, c) for i, c in right.items()])
        share = sum(right.values()) / len(right)
        store.write_json("eval/summary.json", {"grpo": {"strict_accuracy": share, "n": len(right)}})
    return store.url


def test_settings_that_differ_stand_once_and_those_that_decide_come_first(tmp_path):
    first = {"sft": entry(**{"seed": 0, "sft.lr": 1e-5, "sft.ranks": 1}), "grpo": entry(**{"seed": 0})}
    second = {"sft": entry(**{"seed": 1, "sft.lr": 1e-5, "sft.ranks": 2}), "grpo": entry(**{"seed": 1})}
    third = {"sft": entry(**{"seed": 0, "sft.lr": 1e-5, "sft.ranks": 1})}
    urls = [make(tmp_path / n, s) for n, s in (("a", first), ("b", second), ("c", third))]
    told = [(d.key, d.stages, d.values, d.absent, d.decides) for d in compare_runs(urls, DRAWS).settings]
    assert told == [
        ("seed", ("sft",), (0, 1, 0), (False, False, False), True),
        ("seed", ("grpo",), (0, 1, None), (False, False, True), True),
        ("sft.ranks", ("sft",), (1, 2, 1), (False, False, False), False),
    ]
    told = [(d.key, d.stages, d.values) for d in compare_runs(urls[:2], DRAWS).settings]
    assert told == [("seed", ("sft", "grpo"), (0, 1)), ("sft.ranks", ("sft",), (1, 2))]


def test_curves_stand_on_the_same_axes_and_what_is_not_finite_is_left_out(tmp_path):
    rows = [{"step": n, "reward/mean": float(n)} for n in range(1, 5)]
    short = [{"step": 1, "reward/mean": 4.0}, {"step": 2, "reward/mean": float("nan")}]
    urls = [make(tmp_path / "a", {}, rows), make(tmp_path / "b", {}, short)]
    (curve,) = compare_runs(urls, DRAWS).curves
    assert curve.sparks(4) == {"A": "▁▃▆█", "B": "█"}
    assert [(run.letter, run.steps) for run in curve.runs] == [("A", (1, 2, 3, 4)), ("B", (1,))]


def test_paired_tests_count_the_items_that_both_were_asked(tmp_path):
    ids = [f"q{n}" for n in range(20)]
    first = make(tmp_path / "a", {}, right={i: n < 10 for n, i in enumerate(ids)})
    other = {i: n < 16 for n, i in enumerate(ids)} | {"new": True}
    questions = [question(i, stem="另一道题？" if i == "q0" else None) for i in other]
    second = make(tmp_path / "b", {}, right=other, questions=questions)
    (test,) = compare_runs([first, second], DRAWS).tests
    assert (test.model, test.first, test.second, test.unpaired) == ("grpo", "A", "B", 2)
    assert (test.found.n, test.found.discordant) == (19, (0, 6))
    assert test.found.difference == pytest.approx(6 / 19)
    assert test.found.mcnemar_p == mcnemar_p(0, 6) == 2 / 2**6
    assert test.holm_p == test.found.p


def test_items_of_one_case_are_one_cluster(tmp_path):
    right = {f"q{n}": True for n in range(6)}
    questions = [question(i, case=f"病例{n // 2}") for n, i in enumerate(right)]
    wrong = dict.fromkeys(right, False)
    urls = [make(tmp_path / n, {}, right=r, questions=questions) for n, r in (("a", wrong), ("b", right))]
    (test,) = compare_runs(urls, DRAWS).tests
    assert (test.found.n, test.found.clusters) == (6, 3)


def test_the_comparison_is_strict_json_and_tells_each_run(tmp_path):
    rows = [{"step": 1, "reward/mean": 0.5}]
    urls = [make(tmp_path / n, {"sft": entry(seed=n)}, rows, {"q": True}) for n in ("a", "b")]
    told = json.loads(json.dumps(compare_runs(urls, DRAWS).as_json(), allow_nan=False))
    assert [(run["letter"], run["name"]) for run in told["runs"]] == [("A", "a"), ("B", "b")]
    assert told["runs"][0]["accuracies"]["grpo"]["strict_accuracy"] == 1.0
    assert told["curves"][0]["runs"]["B"] == {"steps": [1], "values": [0.5]}
    assert told["tests"][0]["difference"] == 0.0
    assert told["settings"][0]["values"] == ["a", "b"]


def test_what_cannot_be_compared_is_one_line(tmp_path):
    there = make(tmp_path / "a", {})
    with pytest.raises(ConfigError, match="two run folders or more"):
        compare_runs([there])
    with pytest.raises(ConfigError, match="is given twice"):
        compare_runs([there, f"{there}/"])
    with pytest.raises(RunFolderError, match="no run here"):
        compare_runs([there, str(tmp_path / "none")])


def test_a_run_is_named_by_as_much_of_its_path_as_tells_it_from_the_others(tmp_path):
    urls = [make(tmp_path / place, {}) for place in ("a/run", "b/run", "c/d", "c")]
    found = compare_runs(urls)
    assert [run.name for run in found.runs] == ["a/run", "b/run", "d", "c"]
    assert names_in_figures(found.runs) == ["a/run", "b/run", "d", "c"]
    long = [make(tmp_path / f"{'long' * 15}{end}", {}) for end in "xy"]
    assert names_in_figures(compare_runs(long).runs) == ["A", "B"]


def test_the_page_lays_the_runs_over_each_other_and_no_name_becomes_markup(tmp_path, monkeypatch):
    from charts_without_code import without_chart_code

    without_chart_code(monkeypatch)
    rows = [{"step": n, "reward/mean": n / 4, "policy/lr": 0.1} for n in range(1, 5)]
    names = ("first", "<b>second")
    urls = [make(tmp_path / n, {"sft": entry(seed=n)}, rows, {"q": n == "first"}) for n in names]
    found = compare_runs(urls, DRAWS)
    page = render_comparison(found)
    assert "<b>second" not in page
    assert "&lt;b&gt;second − first" in page
    assert page.count('<td class="n">-100.0</td>') == 1
    data = re.search(r'id="chart-data">(.*?)</script>', page, re.DOTALL)[1]
    charts = {chart["title"]: chart for chart in json.loads(data)}
    assert charts["Reward"]["words"]["run"] == ["first", "<b>second"]
    write_comparison(found, str(tmp_path / "page.html"))
    assert (tmp_path / "page.html").read_text("utf-8") == page
    with pytest.raises(ConfigError, match="cannot be written"):
        write_comparison(found, str(tmp_path / "page.html" / "below.html"))
