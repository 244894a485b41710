"""Shares of a whole over steps, stacked: where the seconds of each step went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from psyche_rl.charts.chart import Chart
from psyche_rl.charts.curve import POINTS, Row
from psyche_rl.charts.look import COLOURS, legend_columns


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
    palette = [COLOURS[i % len(COLOURS)] for i in range(len(legends))]
    colour = alt.Color(
        "line:N",
        title=None,
        scale=alt.Scale(domain=legends, range=palette),
        legend=alt.Legend(columns=legend_columns(legends)),
    )
    tooltip = [
        alt.Tooltip("step:Q", title="step"),
        alt.Tooltip("line:N", title="of"),
        alt.Tooltip("value:Q", title=label, format=".4~g"),
    ]
    step = alt.X("step:O", title="step", axis=alt.Axis(labelAngle=0, labelOverlap=True, ticks=False))
    bars = (
        alt.Chart(alt.NamedData("rows"))
        .mark_bar(width={"band": 1.0})
        .encode(
            x=step, y=alt.Y("value:Q", title=label, axis=alt.Axis(tickCount=5)), color=colour, tooltip=tooltip
        )
    )
    return Chart(title, bars.to_dict(), columns, {"line": legends})
