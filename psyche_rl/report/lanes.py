"""The timeline of a run as a figure: a lane for each worker and the learner, coloured by what it did.

Pure. Collaborators: ``timeline.timeline_file`` has the stretches, ``figures`` the look.
Invariants:
- A lane is as high as the share of the time that it spent in a state: where the run is longer than the figure
  has room, a column shows the shares of its seconds, and no state is lost by drawing fewer points.
- The size of the figure is bounded, however long the run and however many its workers: the lanes are an image
  of so many pixels.
- Times in which nothing is known (checkpoints, a run that was cut off) stay blank.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba

from psyche_rl.report import figures
from psyche_rl.report.figures import Drawing
from psyche_rl.timeline.lane import LEARNER, LaneSpan, Stretch

COLOURS_OF = {
    "generate": "#2f7ed8", "train": "#2a9d6f", "reference": "#8b5cd6", "recompute": "#d4477d",
    "sync": "#d9822b", "load": "#b59a6d", "idle": "#b8bec6", "wait": "#b8bec6",
}  # fmt: skip
MOST_LANES = 16
"""Of more workers as many are shown, evenly spaced."""
COLUMNS, ROWS, APART = 1200, 10, 3
"""Pixels: across, of a lane, and between two."""
WIDTH, LANE, REST = 7.9, 0.21, 0.75
"""Inches: of the figure, of a lane, and of what is above and below the lanes."""


def timeline(spans: Sequence[LaneSpan], title: str, seconds: float | None = None) -> Drawing | None:
    """``seconds``: only so many, the last ones. None where there is no stretch."""
    lanes = _shown(spans)
    if not lanes:
        return None
    end = max(stretch.ended for stretches in lanes.values() for stretch in stretches)
    first = min(stretch.begun for stretches in lanes.values() for stretch in stretches)
    begin = first if seconds is None else max(first, end - seconds)
    edges = np.linspace(begin, end, COLUMNS + 1)
    shares = [shares_of(stretches, edges) for stretches in lanes.values()]
    seen = [state for state in COLOURS_OF if any(state in of for of in shares)]

    def draw(axes: Axes) -> None:
        pixels = np.concatenate([pixels_of(of) for of in shares])
        axes.imshow(
            pixels, aspect="auto", interpolation="none", extent=(begin - first, end - first, len(lanes), 0)
        )
        for state in seen:
            axes.fill_between([], [], color=COLOURS_OF[state], label=state)
        middle = ROWS / (ROWS + APART) / 2
        axes.set_yticks([place + middle for place in range(len(lanes))], list(lanes))
        axes.set_xlabel("seconds")

    height = LANE * len(lanes) + REST
    box = (0.08, 0.45 / height, 0.91, 1 - REST / height)
    return figures.drawing(title, draw, legend=True, size=(WIDTH, height), box=box, grid=False)


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


def pixels_of(shares: Mapping[str, np.ndarray]) -> np.ndarray:
    """A lane [ROWS + APART, columns, RGBA]: from above as many pixels of each state as its share has; what is
    left is clear, as are those between two lanes."""
    columns = len(next(iter(shares.values()), np.zeros(COLUMNS)))
    pixels = np.zeros((ROWS + APART, columns, 4))
    row = (np.arange(ROWS)[:, None] + 0.5) / ROWS
    before = np.zeros(columns)
    for state in (state for state in COLOURS_OF if state in shares):
        after = before + shares[state]
        pixels[:ROWS][(before <= row) & (row < after)] = to_rgba(COLOURS_OF[state])
        before = after
    return pixels


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
