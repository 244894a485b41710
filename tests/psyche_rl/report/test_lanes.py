"""The timeline figure: shares that add up, blank where nothing is known, bounded however long the run."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import step_lanes
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgba

from psyche_rl.report.lanes import APART, COLOURS_OF, MOST_LANES, ROWS, pixels_of, shares_of, timeline
from psyche_rl.timeline.lane import LaneSpan, Stretch

PIECE = st.tuples(st.sampled_from(["generate", "idle", "sync", ""]), st.floats(0.01, 5.0))


@given(st.lists(PIECE, min_size=1, max_size=20), st.integers(1, 9), st.floats(0, 4))
def test_each_column_has_the_share_of_its_seconds(pieces, columns, cut):
    at, stretches = 0.0, []
    for state, seconds in pieces:
        if state:
            stretches.append(Stretch(state, at, at + seconds))
        at += seconds
    edges = np.linspace(cut, at + 1, columns + 1)
    found = shares_of(stretches[::-1], edges)
    width = edges[1] - edges[0]
    for column in range(columns):
        low, high = edges[column], edges[column + 1]
        for state in ("generate", "idle", "sync"):
            of = (s for s in stretches if s.state == state)
            spent = sum(max(0.0, min(high, s.ended) - max(low, s.begun)) for s in of)
            assert found.get(state, np.zeros(columns))[column] * width == pytest.approx(spent, abs=1e-9)


def test_without_a_stretch_there_is_no_figure():
    assert timeline([], "t") is None


def test_the_learner_comes_first_then_workers_by_number_with_their_states():
    spans = [LaneSpan(f"worker {n}", Stretch("generate", 0.0, 2.0)) for n in (10, 2)]
    drawn = timeline([*spans, LaneSpan("learner", Stretch("train", 1.0, 2.0))], "Lanes")
    text = str(drawn.svg)
    places = [text.index(f">{name}<") for name in ("learner", "worker 2", "worker 10")]
    assert places == sorted(places)
    assert ">generate<" in text
    assert ">train<" in text
    assert ">sync<" not in text


def test_a_long_run_of_many_workers_is_a_figure_of_bounded_size():
    spans = [span for step in range(500) for span in step_lanes(step, 60)]
    drawn = str(timeline(spans, "t").svg)
    assert len(drawn) < 60_000
    assert drawn.count(">worker ") == MOST_LANES
    assert ">worker 0<" in drawn
    assert ">worker 59<" in drawn


def test_a_column_has_as_many_pixels_of_a_state_as_its_share():
    shares = {"idle": np.array([0.0, 0.5, 0.2]), "generate": np.array([1.0, 0.5, 0.3])}
    pixels = pixels_of(shares)
    assert pixels.shape == (ROWS + APART, 3, 4)
    generate, idle = (np.array(to_rgba(COLOURS_OF[state])) for state in ("generate", "idle"))
    counts = [[int((pixels[:, c] == of).all(-1).sum()) for of in (generate, idle)] for c in range(3)]
    assert counts == [[10, 0], [5, 5], [3, 2]]
    assert (pixels[:, 2, 3] == [1] * 5 + [0] * (5 + APART)).all(), "what is not known is clear"
    assert pixels_of({}).max() == 0


def test_a_part_of_it_begins_where_its_seconds_do():
    spans = [span for step in range(100) for span in step_lanes(step, 1)]
    assert ">0<" in timeline(spans, "t").svg
    part = str(timeline(spans, "t", 2.4 * 4).svg)
    assert ">0<" not in part
    assert ">232<" in part or ">231<" in part or ">234<" in part
