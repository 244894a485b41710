"""The timeline of a run as a figure: a lane for each worker and the learner, coloured by what it did.

Pure. Collaborators: ``timeline.timeline_file`` has the stretches, ``charts`` draws.
Invariants:
- A lane is as high as the share of the time that it spent in a state: where the run is longer than the figure
  has room, a column shows the shares of its seconds, and no state is lost by drawing fewer points.
- The size of the figure is bounded, however long the run and however many its workers.
- Times in which nothing is known (checkpoints, a run that was cut off) stay blank.
"""

from __future__ import annotations

import copy
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import altair as alt
import numpy as np

from psyche_rl.charts import Chart
from psyche_rl.charts.look import ZOOM, legend_columns
from psyche_rl.timeline.lane import LEARNER, LaneSpan, Stretch

COLOURS_OF = {
    "generate": "#2f7ed8", "train": "#2a9d6f", "reference": "#8b5cd6", "recompute": "#d4477d",
    "sync": "#cf7a24", "load": "#a3895a", "idle": "#8d949e", "wait": "#8d949e",
}  # fmt: skip
MOST_LANES = 16
"""Of more workers as many are shown, evenly spaced."""
COLUMNS, TENTHS = 240, 10
"""Columns across; shares are drawn in so many parts of a lane's height."""
LANE, FULL = 22, 0.8
"""Pixels of a lane with its gap, and the part of them that is coloured."""


class Block(NamedTuple):
    """A state over some columns, with the part of the lane's height that it takes, from above, in tenths."""

    state: str
    first: int
    last: int
    top: int
    bottom: int


def timeline(spans: Sequence[LaneSpan], title: str, seconds: float | None = None) -> Chart | None:
    """``seconds``: only so many, the last ones. None where there is no stretch."""
    lanes = _shown(spans)
    if not lanes:
        return None
    end = max(stretch.ended for stretches in lanes.values() for stretch in stretches)
    first = min(stretch.begun for stretches in lanes.values() for stretch in stretches)
    begin = first if seconds is None else max(first, end - seconds)
    edges = np.linspace(begin, end, COLUMNS + 1)
    blocks = {lane: list(blocks_of(shares_of(stretches, edges))) for lane, stretches in lanes.items()}
    seen = [state for state in COLOURS_OF if any(b.state == state for of in blocks.values() for b in of)]
    columns: dict[str, list[Any]] = {name: [] for name in ("lane", "state", "c0", "c1", "t", "b")}
    for place, of in enumerate(blocks.values()):
        for block in of:
            row = (place, seen.index(block.state), block.first, block.last, block.top, block.bottom)
            for name, entry in zip(columns, row, strict=True):
                columns[name].append(entry)
    spec = _spec(list(lanes), seen, begin - first, end - first)
    return Chart(title, spec, columns, {"lane": list(lanes), "state": seen}, wide=True)


def _spec(lanes: list[str], seen: list[str], begin: float, end: float) -> dict[str, Any]:
    width = (end - begin) / COLUMNS
    names = json.dumps(lanes)  # as a literal, since the axis counts lanes
    place = f"indexof({names}, datum.lane)"
    of = {
        "begin": f"{begin:.4f} + datum.c0 * {width:.6g}",
        "end": f"{begin:.4f} + datum.c1 * {width:.6g}",
        "top": f"{place} + datum.t * {FULL / TENTHS}",
        "bottom": f"{place} + datum.b * {FULL / TENTHS}",
        "share": f"(datum.b - datum.t) / {TENTHS}",
    }
    spec = copy.deepcopy(_shape())
    spec["transform"] = [{"calculate": expression, "as": name} for name, expression in of.items()]
    encoding = spec["encoding"]
    encoding["y"]["axis"]["values"] = [place + FULL / 2 for place in range(len(lanes))]
    encoding["y"]["axis"]["labelExpr"] = f"{names}[floor(datum.value)]"
    encoding["y"]["scale"]["domain"] = [0, len(lanes)]
    encoding["color"]["scale"] = {"domain": seen, "range": [COLOURS_OF[state] for state in seen]}
    encoding["color"]["legend"] = {"columns": legend_columns(seen)}
    spec["height"] = LANE * len(lanes)
    return spec


@cache
def _shape() -> dict[str, Any]:
    zoom = alt.selection_interval(name="zoom", bind="scales", encodings=["x"], zoom=ZOOM)
    seconds = alt.Scale(nice=False, zero=False)
    lanes = alt.Axis(grid=False, ticks=False, domain=False, labelPadding=4)
    drawn = (
        alt.Chart(alt.NamedData("rows"))
        .mark_rect(clip=True)
        .encode(
            x=alt.X("begin:Q", title="seconds", scale=seconds, axis=alt.Axis(grid=False)),
            x2="end:Q",
            y=alt.Y("top:Q", title=None, axis=lanes, scale=alt.Scale(reverse=True)),
            y2="bottom:Q",
            color=alt.Color("state:N", title=None),
            tooltip=[
                alt.Tooltip("lane:N", title="lane"),
                alt.Tooltip("state:N", title="state"),
                alt.Tooltip("begin:Q", title="from, s", format=".2f"),
                alt.Tooltip("end:Q", title="to, s", format=".2f"),
                alt.Tooltip("share:Q", title="share of it", format=".0%"),
            ],
        )
        .add_params(zoom)
        .properties(name="lanes")
    )
    spec: dict[str, Any] = drawn.to_dict()
    return spec


def shares_of(stretches: Sequence[Stretch], edges: np.ndarray) -> dict[str, np.ndarray]:
    """State -> share of each column [columns] spent in it; stretches of a lane do not overlap.

    Args:
        edges: [columns + 1] seconds, ascending.
    """
    by_state: dict[str, list[Stretch]] = defaultdict(list)
    for stretch in sorted(stretches, key=lambda stretch: stretch.begun):
        by_state[stretch.state].append(stretch)
    found = {}
    for state, of in by_state.items():
        times = np.array([(s.begun, s.ended) for s in of]).ravel()
        spent = np.zeros(len(times))
        spent[1::2] = [s.ended - s.begun for s in of]
        # Seconds in the state up to each edge: a line that rises within its stretches.
        up_to = np.interp(edges, np.maximum.accumulate(times), np.cumsum(spent))
        share = np.clip(np.diff(up_to) / np.diff(edges), 0, 1)
        if share.any():
            found[state] = share
    return found


def blocks_of(shares: Mapping[str, np.ndarray]) -> Iterator[Block]:
    """A lane: in each column the states from above, each as high as its share; what is left stays blank.

    Neighbouring columns that look alike are one block.
    """
    states = [state for state in COLOURS_OF if state in shares]
    if not states:
        return
    sums = np.cumsum([shares[state] for state in states], axis=0)
    ends = np.rint(TENTHS * np.clip(sums, 0, 1)).astype(int)
    changes = np.flatnonzero((np.diff(ends, axis=1) != 0).any(axis=0)) + 1
    firsts = [0, *changes.tolist()]
    for first, last in zip(firsts, [*changes.tolist(), ends.shape[1]], strict=True):
        top = 0
        for state, bottom in zip(states, ends[:, first].tolist(), strict=True):
            if bottom > top:
                yield Block(state, first, last, top, bottom)
                top = bottom


def _shown(spans: Sequence[LaneSpan]) -> dict[str, list[Stretch]]:
    """The learner first, then workers by their number."""
    lanes: dict[str, list[Stretch]] = {}
    for lane, stretch in spans:
        lanes.setdefault(lane, []).append(stretch)
    workers = sorted(
        (lane for lane in lanes if lane != LEARNER), key=lambda lane: int(lane.rpartition(" ")[2])
    )
    if len(workers) > MOST_LANES:
        workers = [workers[i] for i in np.linspace(0, len(workers) - 1, MOST_LANES).round().astype(int)]
    return {lane: lanes[lane] for lane in (LEARNER, *workers) if lane in lanes}
