"""Stacked bars: how many of each group in each place; upright, or lying with the names at the left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from psyche_rl.charts.chart import Chart
from psyche_rl.charts.look import COLOURS, legend_columns, width_of

LYING = 22
"""Pixels that a lying bar is high, with its gap."""


def bar_chart(
    title: str,
    layers: Mapping[str, Sequence[float]],
    places: Sequence[str],
    labels: tuple[str, str],
    lying: bool = False,
    note: str = "",
    beside: Mapping[str, Sequence[str]] | None = None,
) -> Chart | None:
    """``layers``: group -> a count for each of ``places``, stacked in this order. None where all are 0.

    Args:
        labels: of the places' axis and of the counts' axis.
        beside: heading -> a text for each place, shown where a bar is pointed at.
    """
    groups = [group for group, counts in layers.items() if any(counts)]
    if not groups:
        return None
    at = [(p, g) for p in range(len(places)) for g in range(len(groups)) if layers[groups[g]][p]]
    columns: dict[str, list[Any]] = {
        "place": [p for p, _ in at],
        "group": [g for _, g in at],
        "count": [layers[groups[g]][p] for p, g in at],
        "order": [g for _, g in at],
    }
    words: dict[str, list[str]] = {"place": list(places), "group": groups}
    tooltip = [
        alt.Tooltip("place:N", title=labels[0]),
        alt.Tooltip("group:N", title="which"),
        alt.Tooltip("count:Q", title=labels[1], format=",~r"),
    ]
    for i, (heading, texts) in enumerate((beside or {}).items()):
        columns[f"beside{i}"], words[f"beside{i}"] = [p for p, _ in at], list(texts)
        tooltip.append(alt.Tooltip(f"beside{i}:N", title=heading))
    where = alt.Scale(domain=list(places))
    legend = alt.Legend(columns=legend_columns(groups)) if len(groups) > 1 else None
    palette = [COLOURS[i % len(COLOURS)] for i in range(len(groups))]
    colour = alt.Color("group:N", title=None, scale=alt.Scale(domain=groups, range=palette), legend=legend)
    bars = alt.Chart(alt.NamedData("rows")).mark_bar().encode(color=colour, order="order:Q", tooltip=tooltip)
    if lying:
        room = max(width_of(place) for place in places)
        axis = alt.Axis(title=None, labelPadding=4, minExtent=min(room, 150), ticks=False)
        bars = bars.encode(y=alt.Y("place:N", scale=where, axis=axis), x=alt.X("count:Q", title=labels[1]))
    else:
        place = alt.X("place:N", scale=where, title=labels[0], axis=alt.Axis(labelAngle=0, labelOverlap=True))
        bars = bars.encode(x=place, y=alt.Y("count:Q", title=labels[1], axis=alt.Axis(tickCount=5)))
    spec = bars.to_dict()
    if lying:
        spec["height"] = LYING * len(places)
    return Chart(title, spec, columns, words, wide=lying, note=note)
