"""Figures: inline SVG that carries the data, no fonts, no fixed ink, and nothing where nothing is."""

import math
import xml.etree.ElementTree as ET

import pytest

from psyche_rl.report import figures
from psyche_rl.report.figures import Curve, curve, pass_rate_histogram, reward_curve, step_times

LOSS = Curve("SFT loss", "nats", {"loss": "loss"})


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter() if element.tag.endswith("text")]


def test_an_inline_figure_is_clean_and_takes_the_pages_colour():
    svg = curve(LOSS, [{"step": s, "loss": 1 / s} for s in range(1, 50)]).svg
    assert svg.startswith('<svg role="img" aria-label="SFT loss"')
    assert "currentColor" in svg
    for unwanted in (
        "font-family",
        "@font-face",
        "<?xml",
        "<!DOCTYPE",
        "<metadata",
        "<style",
        figures.INK,
        "base64",
    ):
        assert unwanted not in svg
    assert {"step", "nats"} <= set(texts(svg))


def test_the_same_rows_give_the_same_bytes():
    rows = [{"step": s, "loss": math.sin(s)} for s in range(20)]
    assert curve(LOSS, rows) == curve(LOSS, rows)


def test_no_rows_no_figure():
    assert curve(LOSS, []) is None
    assert curve(LOSS, [{"step": 1, "kl/mean": 0.1}]) is None
    assert curve(LOSS, [{"step": 1, "loss": math.nan}, {"step": 2, "loss": None}]) is None
    assert step_times([{"step": 0, "eval/single": 0.5}]) is None
    assert pass_rate_histogram({}) is None
    assert pass_rate_histogram({"all": [], "single": [], "multiple": []}) is None


def test_rows_without_the_metric_are_left_out_and_not_drawn_as_zero():
    sparse = [{"step": s, **({"loss": 5.0} if s % 10 == 0 else {})} for s in range(1, 31)]
    dense = [{"step": s, "loss": 5.0} for s in (10, 20, 30)]
    assert curve(LOSS, sparse) == curve(LOSS, dense)


def test_long_curves_are_thinned_to_the_figures_resolution():
    rows = [{"step": s, "loss": math.sin(s * 12.9898) * 43758.5 % 1} for s in range(20_000)]
    assert len(curve(LOSS, rows).svg) < 40_000


def test_thinning_keeps_the_first_and_the_last_row():
    rows = [{"step": s} for s in range(10_001)]
    kept = figures._thin(rows)
    assert (kept[0]["step"], kept[-1]["step"]) == (0, 10_000)
    assert len(kept) <= figures.POINTS + 1


def test_reward_parts_are_found_by_name():
    svg = reward_curve(
        [
            {"step": s, "reward/mean": 1, "reward/std": 9, "reward/answer": 1, "reward/judge": 0}
            for s in (1, 2)
        ]
    ).svg
    assert {"mean", "answer", "judge"} <= set(texts(svg))
    assert "std" not in texts(svg)


@pytest.mark.parametrize("steps", [1, 2, 50])
def test_step_times_name_all_five_parts(steps):
    rows = [{"step": s, **dict.fromkeys(figures.TIMES, 0.5)} for s in range(1, steps + 1)]
    assert {"generate", "score", "reference", "train", "publish"} <= set(texts(step_times(rows).svg))


def test_the_histogram_stacks_the_kinds_and_falls_back_to_all():
    both = pass_rate_histogram({"all": [[0.0, 3], [1.0, 2]], "single": [[1.0, 2]], "multiple": [[0.0, 3]]})
    assert {"0%", "100%", "single", "multiple"} <= set(texts(both.svg))
    only = pass_rate_histogram({"all": [[0.0, 3], [0.5, 2]], "single": [], "multiple": []})
    assert {"0%", "50%"} <= set(texts(only.svg))
