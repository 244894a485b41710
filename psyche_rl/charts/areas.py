"""Shares of a whole over steps, stacked: where the seconds of each step went."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import altair as alt

from psyche_rl.charts.chart import Chart
from psyche_rl.charts.curve import POINTS, Row
from psyche_rl.charts.look import colours_of, legend_columns, title_of


def area_chart(title: str, label: str, metrics: Mapping[str, str], rows: Sequence[Row]) -> Chart | None:
    """``metrics``: name -> legend, stacked in this order; a row that lacks one of them has 0 there.

    Rows without any are left out; None where none is left. A long run is shown by the mean of each stretch.
    """
    rows = [row for row in rows if any(name in row for name in metrics)]
    if not rows:
        return None
    names = [name for name in metrics if any(name in row for row in rows)]
    stretch = -(-len(rows) * len(names) // POINTS)
    columns: dict[str, list[Any]] = {"step": [], "line": [], "value": []}
    for start in range(0, len(rows), stretch):
        some = rows[start : start + stretch]
        for at, name in enumerate(names):
            columns["step"].append(some[0]["step"])
            columns["line"].append(at)
            columns["value"].append(sum(row.get(name) or 0.0 for row in some) / len(some))
    legends = [metrics[name] for name in names]
    spec = copy.deepcopy(_shape())
    encoding = spec["encoding"]
    encoding["color"]["scale"] = colours_of(legends)
    encoding["color"]["legend"] = {"columns": legend_columns(legends)}
    encoding["y"]["title"] = encoding["tooltip"][-1]["title"] = title_of(label)
    return Chart(title, spec, columns, {"line": legends})


@cache
def _shape() -> dict[str, Any]:
    tooltip = [alt.Tooltip("step:Q", title="step"), alt.Tooltip("line:N", title="of")]
    tooltip.append(alt.Tooltip("value:Q", format=".4~g"))
    bars = alt.Chart(alt.NamedData("rows")).mark_bar(width={"band": 1.0})
    step = alt.X("step:O", title="step", axis=alt.Axis(labelAngle=0, labelOverlap=True, ticks=False))
    spec: dict[str, Any] = bars.encode(
        x=step,
        y=alt.Y("value:Q", axis=alt.Axis(tickCount=5)),
        color=alt.Color("line:N", title=None),
        tooltip=tooltip,
    ).to_dict()
    return spec
