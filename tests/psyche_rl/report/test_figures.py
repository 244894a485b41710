"""Which figures the report has: what shares an axis, what has a spread, what went where."""

from __future__ import annotations

import pytest
from chart_rows import chart_rows

from psyche_rl.loops.metrics_log import read_metrics
from psyche_rl.report import collect
from psyche_rl.report.figures import grpo_figures, pass_rate_charts, reward_curves, sft_figures
from psyche_rl.report.intervals import wilson


@pytest.fixture(scope="session")
def charts(finished_run):
    rows = read_metrics(finished_run, "grpo")
    return {chart.title: chart for group in grpo_figures({"run": rows}) for chart in group.charts}


def legends(chart) -> list[str]:
    return list(chart.words["line"])


def test_a_count_never_stands_on_the_rewards_axis_and_every_part_is_drawn():
    step = {
        "step": 1,
        "reward/mean": 0.7,
        "reward/std": 0.3,
        "reward/errors": 477.0,
        "reward/error_share": 0.9,
    }
    parts = {f"reward/part_{i}": 0.1 * i for i in range(8)} | {"reward/tokens": 900.0}
    drawn = list(reward_curves([step | parts]))
    assert dict(drawn[0].metrics) == {"reward/mean": "mean"}
    shown = [name for curve in drawn[1:] for name in curve.metrics]
    assert sorted(shown) == sorted(parts)
    assert [dict(curve.metrics) for curve in drawn if "reward/tokens" in curve.metrics] == [
        {"reward/tokens": "tokens"}
    ]
    assert max(len(curve.metrics) for curve in drawn) <= 6


def test_the_reward_is_shown_with_its_spread(charts):
    row = chart_rows(charts["Reward"])[3]
    assert (row["low"], row["high"]) == pytest.approx((row["value"] - 0.4, row["value"] + 0.4), abs=1e-4)


def test_what_says_how_training_goes_has_a_figure(charts):
    shown = {title: legends(chart) for title, chart in charts.items()}
    assert shown["GRPO loss"] == ["total", "policy"]
    assert shown["Gradient norm"] == ["before clipping"]
    assert shown["Learning rate"] == ["learning rate"]
    assert "Change of the policy in a step" in shown
    assert "Replies cut off" in shown
    assert shown["Part of the reward: keypoints"] == ["keypoints"]
    assert shown["Parts of the reward"] == ["answer", "format"]
    errors = {row["step"]: row["value"] for row in chart_rows(charts["Samples whose scorer failed"])}
    assert (errors[6], errors[7]) == (0.0, 3.0)


def test_what_is_0_in_every_step_is_named_and_takes_no_room():
    rows = [
        {"step": s, "reward/errors": 0.0, "group/dropped": 0.0, "group/filtered": float(s)} for s in (1, 2)
    ]
    [group] = grpo_figures({"run": rows})
    assert group.quiet == ["Samples whose scorer failed"]
    assert [chart.title for chart in group.charts] == ["Groups not trained on"]


def test_dev_accuracy_has_every_kind_and_its_interval():
    asked = {"eval/questions": 200, "eval/questions_case": 20}
    row = {"step": 10, "eval/strict_accuracy": 0.5, "eval/case": 0.3, "eval/single": 0.8, **asked}
    [group] = grpo_figures({"run": [row]})
    [chart] = group.charts
    rows = {row["line"]: (row["value"], row["low"], row["high"]) for row in chart_rows(chart)}
    assert rows["all"] == pytest.approx((0.5, *wilson(0.5, 200, 0.95)), abs=1e-4)
    assert rows["case"] == pytest.approx((0.3, *wilson(0.3, 20, 0.95)), abs=1e-4)
    assert rows["single"] == (0.8, None, None), "an older run does not say of how many"


def test_the_warm_up_shows_training_and_held_out_loss_together():
    rows = [{"step": s, "loss": 1 / s, **({"dev_loss": 2 / s} if s % 5 == 0 else {})} for s in range(1, 21)]
    [loss] = sft_figures({"run": rows})
    assert legends(loss) == ["training", "held out"]
    assert [row["step"] for row in chart_rows(loss) if row["line"] == "held out"] == [5, 10, 15, 20]
    assert loss.smooth


def test_the_bars_of_a_set_add_up_to_the_set(finished_run):
    data = collect(finished_run)
    by_set, by_kind = pass_rate_charts(data.selection["pass_rate_histogram"], data.pass_rates)
    sums = {}
    for row in chart_rows(by_set):
        sums[row["group"]] = sums.get(row["group"], 0) + row["count"]
    assert sums == {"GRPO": data.selection["counts"]["grpo"], "SFT": data.selection["counts"]["sft"]}
    assert {row["group"] for row in chart_rows(by_kind)} == {"single", "multiple"}


def test_without_kinds_all_questions_are_one_and_without_counts_there_is_no_figure():
    [only] = pass_rate_charts({"all": [[0.0, 3], [0.5, 2]], "single": []}, {})
    assert [(row["place"], row["count"]) for row in chart_rows(only)] == [("0%", 3), ("50%", 2)]
    assert pass_rate_charts({}, {}) == []


def test_no_rows_no_figures():
    assert grpo_figures({"run": [{"step": 0}]}) == []
    assert sft_figures({"run": []}) == []


def test_several_runs_are_laid_over_each_other(finished_run):
    rows = read_metrics(finished_run, "grpo")
    runs = {"first": rows, "second": rows[:30]}
    by_title = {chart.title: chart for group in grpo_figures(runs) for chart in group.charts}
    assert by_title["KL to the reference"].words["run"] == ["first", "second"]
    assert {"Time of a step, first", "Time of a step, second"} <= set(by_title)
