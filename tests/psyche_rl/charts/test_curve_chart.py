"""Curves: what is drawn of which rows, of one run and of several."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest
from chart_rows import chart_rows
from hypothesis import given
from hypothesis import strategies as st

from psyche_rl.charts import Curve, chart_page, curve_chart
from psyche_rl.charts.curve import POINTS, thinned
from psyche_rl.charts.look import COLOURS, LETTER, NAME_ROOM, ROOM, SYMBOL, legend_columns, width_of
from psyche_rl.pages.html_page import COLOURS as COLOURS_OF_PAGES
from psyche_rl.report.lanes import COLOURS_OF

LOSS = Curve("Loss", "nats", {"loss": "training", "dev": "held out"})


def encodings(chart):
    return [layer["encoding"] for layer in chart.spec["layer"]]


def test_what_is_absent_or_not_finite_is_left_out_and_not_drawn_as_zero():
    rows = [{"step": 1, "loss": 2.0}, {"step": 2}, {"step": 3, "loss": None}, {"step": 4, "loss": math.nan}]
    chart = curve_chart(LOSS, {"run": [*rows, {"step": 5, "loss": math.inf}, {"step": 6, "loss": 1.5}]})
    assert chart_rows(chart) == [
        {"run": "run", "line": "training", "step": 1, "value": 2.0},
        {"run": "run", "line": "training", "step": 6, "value": 1.5},
    ]
    assert curve_chart(LOSS, {}) is None
    assert curve_chart(LOSS, {"run": [{"step": 1, "loss": math.nan}, {"step": 2, "other": 1}]}) is None


def test_a_band_is_drawn_where_a_row_says_it():
    wide = Curve("Loss", "nats", {"loss": "training"}, {"loss": lambda row: row.get("band")})
    rows = [{"step": 1, "loss": 2.0, "band": (1.0, 3.0)}, {"step": 2, "loss": 1.0}]
    chart = curve_chart(wide, {"run": rows})
    assert [(row["low"], row["high"]) for row in chart_rows(chart)] == [(1.0, 3.0), (None, None)]
    assert [layer["mark"]["type"] for layer in chart.spec["layer"]] == ["area", "line", "line", "point"]
    assert "low" not in curve_chart(wide, {"run": rows[1:]}).columns


def test_one_run_has_a_colour_for_each_metric_and_every_one_is_drawn():
    many = Curve("Many", "", {f"m{i}": f"metric {i}" for i in range(11)})
    chart = curve_chart(many, {"run": [{"step": s, **{f"m{i}": i for i in range(11)}} for s in (1, 2)]})
    for encoding in encodings(chart):
        assert encoding["color"]["field"] == "line"
        assert encoding["color"]["scale"]["domain"] == [f"metric {i}" for i in range(11)]
        assert len(encoding["color"]["scale"]["range"]) == 11
    assert {row["line"] for row in chart_rows(chart)} == {f"metric {i}" for i in range(11)}


def test_several_runs_have_a_colour_each_and_metrics_a_dash():
    runs = {name: [{"step": s, "loss": s, "dev": 2 * s} for s in (1, 2)] for name in ("a", "b", "空")}
    chart = curve_chart(LOSS, {**runs, "without": [{"step": 1}]})
    for encoding in encodings(chart):
        assert encoding["color"]["field"] == "run"
        assert encoding["color"]["scale"] == {"domain": ["a", "b", "空"], "range": list(COLOURS[:3])}
    # From another mark, the legend would have symbols without a line.
    dashes = {layer["mark"]["type"]: layer["encoding"].get("strokeDash") for layer in chart.spec["layer"]}
    assert dashes["line"]["scale"]["domain"] == ["training", "held out"]
    assert dashes["point"] is None
    assert len(chart_rows(chart)) == 12
    assert chart_rows(chart)[-1] == {"run": "空", "line": "held out", "step": 2, "value": 4.0}


@pytest.mark.parametrize(("values", "digits"), [([4e-4, 4e-4], ".6~g"), ([4e-4, 5e-4], None)])
def test_an_axis_without_span_is_labelled_with_its_value(values, digits):
    rows = [{"step": step, "loss": value} for step, value in enumerate(values)]
    chart = curve_chart(LOSS, {"run": rows})
    assert {encoding["y"]["axis"].get("format") for encoding in encodings(chart)} == {digits}


def test_the_page_cuts_the_names_of_legends_where_the_room_for_them_ends():
    script = (Path(chart_page.__file__).parent / "charts.js").read_text("utf-8")
    assert re.findall(r"legend: {[^}]*labelLimit: (\d+)", script) == [str(NAME_ROOM)]


def test_each_colour_can_be_told_from_a_light_and_from_a_dark_page():
    def light(colour):
        channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return sum(c * weight for c, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))

    for ground in re.findall(r"--paper: (#[0-9a-f]{6})", COLOURS_OF_PAGES.read_text("utf-8")):
        for colour in {*COLOURS, *COLOURS_OF.values()}:
            low, high = sorted((light(ground), light(colour)))
            assert (high + 0.05) / (low + 0.05) >= 3, (ground, colour)  # WCAG 2.1, 1.4.11


def test_the_same_rows_give_the_same_bytes_whatever_was_drawn_before():
    rows = [{"step": s, "loss": math.sin(s)} for s in range(20)]
    first = json.dumps(curve_chart(LOSS, {"run": rows}).parts())
    curve_chart(Curve("Other", "label", {"loss": "x", "step": "y"}, whole=True), {"run": rows})
    assert json.dumps(curve_chart(LOSS, {"run": rows}).parts()) == first


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5 * POINTS))
def test_thinning_keeps_order_ends_and_every_spike(values):
    points = list(enumerate(values))
    kept = thinned(points)
    assert kept == sorted(kept)
    assert set(kept) <= set(points)
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    assert len(kept) <= POINTS + 2
    assert (max(y for _, y in kept), min(y for _, y in kept)) == (max(values), min(values))


def test_numbers_are_short():
    chart = curve_chart(LOSS, {"run": [{"step": 1, "loss": 0.123456789}, {"step": 2, "loss": 3}]})
    assert chart.parts()["columns"]["value"] == [0.12346, 3.0]


@pytest.mark.parametrize(
    "names", [["a"], ["mean", "largest"], ["很长很长的名字" * 4, "b"], [f"n{i}" for i in range(30)]]
)
def test_legends_have_as_many_columns_as_their_longest_name_leaves_room_for(names):
    columns = legend_columns(names)
    assert 1 <= columns <= len(names)
    if columns > 1:
        assert columns * (max(map(width_of, names)) + SYMBOL) <= ROOM
    assert width_of("ab") == 2 * LETTER < width_of("量表")
