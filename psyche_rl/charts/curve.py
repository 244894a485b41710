"""Metrics over steps as lines: of one run, or of several laid over each other.

Invariants:
- One run: a colour for each metric. Several: a colour for each run, a dash for each metric.
- A value that is absent or not finite is left out, never drawn as zero.
- A metric that no row has is left out; without any, there is no figure.
- A long line keeps the lowest and the highest value of each stretch, so that no spike vanishes by thinning.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, NamedTuple

import altair as alt

from psyche_rl.charts.chart import Chart
from psyche_rl.charts.look import ZOOM, colours_of, legend_columns, title_of

Row = Mapping[str, Any]
Band = Callable[[Row], tuple[float, float] | None]
"""(low, high) around a row's value; None where it cannot be told."""

POINTS = 800
"""Of a line, at most about so many."""
DASH_SIZE = 300
"""Of a dash in the legend, in square pixels: so long that one can tell it from the others."""
DASHES = ([1, 0], [5, 3], [2, 2], [8, 3, 2, 3], [12, 3], [1, 4])


@dataclass(frozen=True)
class Curve:
    """A figure of metrics over steps: its title, the label of its values and metric -> legend."""

    title: str
    label: str
    metrics: Mapping[str, str]
    bands: Mapping[str, Band] = field(default_factory=dict)
    """Metric -> spread or interval around it."""
    log: Literal["never", "off", "on"] = "never"
    smooth: bool = True
    whole: bool = False
    """Values are counts: no tick between two of them."""
    note: str = ""


class Line(NamedTuple):
    """The points of one metric of one run."""

    run: str
    name: str
    points: list[tuple[float, float, float | None, float | None]]
    """(step, value, low, high), by step."""


def curve_chart(curve: Curve, runs: Mapping[str, Sequence[Row]]) -> Chart | None:
    """The figure of ``curve`` for run name -> metric rows; None where no run has any of its metrics."""
    lines = [
        Line(run, legend, points)
        for run, rows in runs.items()
        for metric, legend in curve.metrics.items()
        if (points := _points(rows, metric, curve.bands.get(metric)))
    ]
    if not lines:
        return None
    names, of_runs = list(dict.fromkeys(x.name for x in lines)), list(dict.fromkeys(x.run for x in lines))
    columns: dict[str, list[float | int | None]] = {name: [] for name in ("run", "line", "step", "value")}
    bands = any(low is not None for line in lines for _, _, low, _ in line.points)
    columns |= {"low": [], "high": []} if bands else {}
    for line in lines:
        for step, value, low, high in line.points:
            whole = int(step) if float(step).is_integer() else step
            at: dict[str, float | int | None] = {
                "run": of_runs.index(line.run),
                "line": names.index(line.name),
            }
            at |= {"step": whole, "value": float(value), **({"low": low, "high": high} if bands else {})}
            for name, entry in at.items():
                columns[name].append(entry)
    return Chart(
        curve.title,
        _spec(curve, names, of_runs, bands, _level(columns)),
        columns,
        {"run": of_runs, "line": names},
        smooth=curve.smooth,
        log=curve.log,
        note=curve.note,
    )


def _level(columns: Mapping[str, Sequence[float | int | None]]) -> bool:
    """Whether all lines lie on one value: Vega, which sees no span, would label 0.0004 as 0."""
    return "low" not in columns and len(set(columns["value"])) == 1


def _spec(curve: Curve, names: list[str], runs: list[str], bands: bool, level: bool) -> dict[str, Any]:
    """The shape that curves share, with this one's names and labels."""
    overlaid = len(runs) > 1
    shown = runs if overlaid else names
    spec = copy.deepcopy(_shape(overlaid, bands, curve.smooth))
    legend = {"columns": legend_columns(shown), "symbolType": "stroke"} if len(shown) > 1 else None
    colour = {"scale": colours_of(shown), "legend": legend}
    dashes = {
        "field": "line",
        "type": "nominal",
        "title": None,
        "scale": {"domain": names, "range": [DASHES[i % len(DASHES)] for i in range(len(names))]},
        "legend": {"columns": legend_columns(names), "symbolType": "stroke", "symbolSize": DASH_SIZE},
    }
    for layer in spec["layer"]:
        encoding = layer["encoding"]
        encoding["color"] |= colour
        encoding["y"]["title"] = title_of(curve.label) or None
        if curve.whole:
            encoding["y"]["axis"]["tickMinStep"] = 1
        if level:
            encoding["y"]["axis"]["format"] = ".6~g"
        is_line = layer["mark"]["type"] == "line"  # what else there is has no dashes
        if overlaid and len(names) > 1 and is_line:
            encoding["strokeDash"] = dashes
    return spec


@cache
def _shape(overlaid: bool, bands: bool, smooth: bool) -> dict[str, Any]:
    """Lines and what they answer to the pointer; made once, since altair takes its time over each."""
    by = "run" if overlaid else "line"
    hover = alt.selection_point(
        name="hover",
        nearest=True,
        on="pointermove",
        clear="pointerout",
        empty=False,
        fields=["step", "run", "line"],
    )
    zoom = alt.selection_interval(name="zoom", bind="scales", zoom=ZOOM)
    picked = alt.selection_point(name="picked", fields=[by], bind="legend")
    step = alt.X(
        "step:Q", title="step", scale=alt.Scale(nice=False), axis=alt.Axis(tickMinStep=1, grid=False)
    )
    rows = alt.Chart(alt.NamedData("rows")).encode(
        x=step, color=alt.Color(f"{by}:N", title=None), detail=["run:N", "line:N"]
    )

    def at(field: str) -> alt.Y:
        return alt.Y(f"{field}:Q", title="", scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5))

    def strength(full: float) -> Any:
        return alt.condition(picked, alt.value(full), alt.value(0.08))

    layers = []
    if bands:
        layers.append(rows.mark_area().encode(y=at("low"), y2="high:Q", opacity=strength(0.14)))
    if smooth:
        layers.append(rows.mark_line(strokeWidth=1).encode(y=at("raw"), opacity=strength(0.3)))
    lines = rows.mark_line(strokeWidth=1.6).encode(y=at("value"), opacity=strength(1.0))
    layers.append(lines.add_params(zoom, picked).properties(name="lines"))
    tooltip = [alt.Tooltip("run:N", title="run")] if overlaid else []
    tooltip += [alt.Tooltip("line:N", title="metric"), alt.Tooltip("step:Q", title="step")]
    tooltip += [alt.Tooltip("raw:Q", title="value", format=".5~g")]
    tooltip += [alt.Tooltip("value:Q", title="smoothed", format=".5~g")] if smooth else []
    tooltip += [alt.Tooltip(f"{end}:Q", title=end, format=".4~g") for end in ("low", "high") if bands]
    seen = alt.condition(hover, alt.value(1), alt.value(0))
    dots = rows.mark_point(filled=True, size=46).encode(y=at("value"), opacity=seen, tooltip=tooltip)
    layers.append(dots.add_params(hover).properties(name="dots"))
    spec: dict[str, Any] = alt.layer(*layers).to_dict()
    return spec


def _points(
    rows: Sequence[Row], metric: str, band: Band | None
) -> list[tuple[float, float, float | None, float | None]]:
    found = []
    for row in rows:
        if (value := row.get(metric)) is not None and math.isfinite(value):
            low, high = (band(row) if band else None) or (None, None)
            found.append((row["step"], value, low, high))
    return thinned(found)


def thinned(points: Sequence[Any]) -> list[Any]:
    """About ``POINTS`` of (x, y, …) at most, by x: of each stretch lowest and highest, and both ends."""
    if len(points) <= POINTS:
        return list(points)
    stretch = -(-len(points) * 2 // POINTS)
    kept = {0, len(points) - 1}
    for start in range(0, len(points), stretch):
        places = range(start, min(start + stretch, len(points)))
        kept |= {min(places, key=lambda i: points[i][1]), max(places, key=lambda i: points[i][1])}
    return [points[i] for i in sorted(kept)]
