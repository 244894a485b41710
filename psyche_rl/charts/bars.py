"""Stacked bars: how many of each group in each place; upright, or lying with the names at the left."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import altair as alt

from psyche_rl.charts.chart import Chart
from psyche_rl.charts.look import colours_of, legend_columns, title_of, width_of

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
    labels = (title_of(labels[0]), title_of(labels[1]))
    at = [(p, g) for p in range(len(places)) for g in range(len(groups)) if layers[groups[g]][p]]
    columns: dict[str, list[Any]] = {
        "place": [p for p, _ in at],
        "group": [g for _, g in at],
        "count": [layers[groups[g]][p] for p, g in at],
        "order": [g for _, g in at],
    }
    words: dict[str, list[str]] = {"place": list(places), "group": groups}
    for i, texts in enumerate((beside or {}).values()):
        columns[f"beside{i}"], words[f"beside{i}"] = [p for p, _ in at], list(texts)
    spec = copy.deepcopy(_shape(lying, len(beside or {})))
    encoding = spec["encoding"]
    where, count = ("y", "x") if lying else ("x", "y")
    encoding[where]["scale"] = {"domain": list(places)}
    encoding[where]["title"] = None if lying else labels[0]
    encoding[count]["title"] = labels[1]
    encoding["color"]["scale"] = colours_of(groups)
    encoding["color"]["legend"] = {"columns": legend_columns(groups)} if len(groups) > 1 else None
    headings = [labels[0], "which", labels[1], *map(title_of, beside or {})]
    for told, heading in zip(encoding["tooltip"], headings, strict=True):
        told["title"] = heading
    if lying:
        room = max(width_of(place) for place in places)
        encoding["y"]["axis"]["minExtent"] = min(room, 150)
        spec["height"] = LYING * len(places)
    return Chart(title, spec, columns, words, wide=lying, note=note)


@cache
def _shape(lying: bool, beside: int) -> dict[str, Any]:
    """Bars without names and labels; made once, since altair takes its time over each."""
    places = alt.Axis(labelPadding=4, ticks=False) if lying else alt.Axis(labelAngle=0, labelOverlap=True)
    where, count = (alt.Y, alt.X) if lying else (alt.X, alt.Y)
    told = ["place:N", "group:N", *(f"beside{i}:N" for i in range(beside))]
    tooltip = [alt.Tooltip(name) for name in told]
    tooltip.insert(2, alt.Tooltip("count:Q", format=",~r"))
    bars = alt.Chart(alt.NamedData("rows")).mark_bar()
    spec: dict[str, Any] = bars.encode(
        where("place:N", axis=places),
        count("count:Q", axis=alt.Axis(tickCount=5)),
        color=alt.Color("group:N", title=None),
        order="order:Q",
        tooltip=tooltip,
    ).to_dict()
    return spec
