"""The timeline figure: shares that add up, blank where nothing is known, bounded however long the run."""

from __future__ import annotations

import json

import numpy as np
import pytest
from chart_rows import chart_rows
from hypothesis import given
from hypothesis import strategies as st
from made_up_run import step_lanes

from psyche_rl.report.lanes import COLUMNS, MOST_LANES, TENTHS, Block, blocks_of, shares_of, timeline
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
    assert drawn.words["lane"] == ["learner", "worker 2", "worker 10"]
    assert drawn.words["state"] == ["generate", "train"]
    lanes = {row["lane"]: (row["state"], row["c0"], row["c1"]) for row in chart_rows(drawn)}
    assert lanes["worker 10"] == ("generate", 0, COLUMNS)
    assert lanes["learner"] == ("train", COLUMNS // 2, COLUMNS)


def test_a_long_run_of_many_workers_is_a_figure_of_bounded_size():
    spans = [span for step in range(500) for span in step_lanes(step, 60)]
    drawn = timeline(spans, "t")
    assert len(json.dumps(drawn.parts())) < 250_000
    assert len(drawn.words["lane"]) == MOST_LANES + 1
    assert (drawn.words["lane"][1], drawn.words["lane"][-1]) == ("worker 0", "worker 59")


def test_a_column_has_as_much_of_a_state_as_its_share():
    shares = {"idle": np.array([0.0, 0.5, 0.5, 0.2]), "generate": np.array([1.0, 0.5, 0.5, 0.3])}
    assert list(blocks_of(shares)) == [
        Block("generate", 0, 1, 0, TENTHS),
        Block("generate", 1, 3, 0, 5),
        Block("idle", 1, 3, 5, TENTHS),
        Block("generate", 3, 4, 0, 3),
        Block("idle", 3, 4, 3, 5),  # what is not known stays blank
    ]
    assert list(blocks_of({})) == []


def test_a_part_of_it_begins_where_its_seconds_do():
    spans = [span for step in range(100) for span in step_lanes(step, 1)]
    [begin] = [t["calculate"] for t in timeline(spans, "t").spec["transform"] if t["as"] == "begin"]
    assert begin.startswith("0.0000 +")
    [begin] = [t["calculate"] for t in timeline(spans, "t", 2.4 * 4).spec["transform"] if t["as"] == "begin"]
    assert float(begin.split()[0]) == pytest.approx(2.4 * 96, abs=0.01)
