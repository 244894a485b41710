"""Lanes: stretches that follow each other, in the order of what happened, and what the run folder keeps."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psyche_rl.store import RunStore
from psyche_rl.timeline.lane import LaneNotes, LaneSpan, Stretch, of_learner, of_worker, wall_clock
from psyche_rl.timeline.timeline_file import TimelineFile

STATES = ("generate", "idle", "sync", "recompute")


@given(st.lists(st.tuples(st.sampled_from(STATES), st.integers(0, 5)), max_size=30), st.integers(0, 30))
def test_stretches_follow_each_other_and_neighbours_differ(turns, taken_at):
    now = [100.0]
    notes = LaneNotes("load", lambda: now[0])
    told: list[Stretch] = []
    for place, (state, seconds) in enumerate(turns):
        notes.turn(state)
        now[0] += seconds
        if place == taken_at:
            told += notes.take()
    told += notes.take()
    spent = dict.fromkeys(("load", *STATES), 0.0)
    for stretch in told:
        spent[stretch.state] += stretch.ended - stretch.begun
    assert all(a.ended == b.begun and a.state != b.state for a, b in itertools.pairwise(told))
    changes = [i for i in range(1, len(turns)) if turns[i][0] != turns[i - 1][0]]
    last = changes[-1] if changes else 0
    expected = dict.fromkeys(("load", *STATES), 0.0)
    for state, seconds in turns[:last]:
        expected[state] += seconds
    assert spent == expected, "the stretch under way is told when it ends"
    assert notes.take() == ()


def test_what_the_learner_does_not_do_it_waits_for():
    phases = [
        ("generate", 1.0, 3.0),
        ("score", 3.0, 4.0),
        ("reference", 4.5, 5.0),
        ("train", 5.0, 8.0),
        ("publish", 8.0, 9.0),
    ]
    told = of_learner(phases, 0.5, 11.0)
    assert {lane for lane, _ in told} == {"learner"}
    assert [tuple(stretch) for _, stretch in told] == [
        ("wait", 0.5, 4.5), ("reference", 4.5, 5.0), ("train", 5.0, 8.0), ("sync", 8.0, 9.0),
        ("wait", 9.0, 11.0),
    ]  # fmt: skip
    assert of_learner([], 1.0, 1.0) == []


def test_the_clock_of_a_process_tells_the_time_and_never_goes_back(monkeypatch):
    moments = iter([10.0, 11.0, 11.5])
    monkeypatch.setattr("psyche_rl.timeline.lane.time.time", lambda: 5000.0)
    monkeypatch.setattr("psyche_rl.timeline.lane.time.monotonic", lambda: next(moments))
    clock = wall_clock()
    assert [clock(), clock()] == [5001.0, 5001.5]


@pytest.mark.parametrize("where", ["path", "url"])
def test_the_file_keeps_each_step_and_gives_all_back(tmp_path, where):
    store = RunStore(str(tmp_path) if where == "path" else f"memory://{tmp_path.name}-timeline")
    file = TimelineFile(store, "grpo")
    assert file.read() == []
    first = [
        *of_worker(3, [Stretch("generate", 1.0, 2.1239)]),
        LaneSpan("learner", Stretch("train", 1.0, 2.0)),
    ]
    file.keep(1, first)
    file.keep(2, of_worker(3, [Stretch("idle", 2.1239, 2.124), Stretch("sync", 2.124, 3.0)]))
    assert file.read() == [
        LaneSpan("worker 3", Stretch("generate", 1.0, 2.124)),
        LaneSpan("learner", Stretch("train", 1.0, 2.0)),
        LaneSpan("worker 3", Stretch("sync", 2.124, 3.0)),
    ]
