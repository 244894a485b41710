"""How many scoring processes: bounds, need and patience; and frames, cut anywhere."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.scoring.frames import FrameBuffer, frame, read_frames
from actors.scoring.scaling import QUIET_S, Load, ScalingPolicy


def load(processes=2, stalled=0, backlog_s=0.0, quiet_s=0.0, cores=16):
    return Load(processes, stalled, backlog_s, cores, quiet_s)


@pytest.mark.parametrize(
    ("seen", "wanted"),
    [
        (load(processes=0), 2),
        (load(backlog_s=0.5), 2),
        (load(backlog_s=3.5), 4),
        (load(backlog_s=1000), 8),
        (load(backlog_s=1000, cores=1), 2),
        (load(backlog_s=1000, cores=5), 5),
        (load(backlog_s=1000, cores=5, stalled=2), 7),
        (load(stalled=2), 4),
        (load(stalled=2, backlog_s=3.5), 6),
        (load(stalled=8, processes=8), 8),
        (load(processes=6), 6),
        (load(processes=6, quiet_s=QUIET_S), 2),
        (load(processes=6, stalled=1, quiet_s=QUIET_S), 3),
    ],
)
def test_the_policy_by_hand(seen, wanted):
    assert ScalingPolicy(2, 8).wanted(seen) == wanted


loads = st.builds(
    Load,
    processes=st.integers(0, 100),
    stalled=st.integers(0, 100),
    backlog_s=st.floats(0, 1e6),
    cores=st.integers(1, 100),
    quiet_s=st.floats(0, 1e6),
)


@given(loads, st.integers(1, 20), st.integers(0, 20))
def test_never_beyond_the_bounds_and_never_fewer_in_a_hurry(seen, minimum, more):
    policy = ScalingPolicy(minimum, minimum + more)
    wanted = policy.wanted(seen)
    assert minimum <= wanted <= minimum + more
    if seen.quiet_s < QUIET_S:
        assert wanted >= min(seen.processes, policy.maximum)


@pytest.mark.parametrize(("minimum", "maximum"), [(0, 1), (3, 2)])
def test_impossible_bounds(minimum, maximum):
    with pytest.raises(ValueError, match="no number of processes"):
        ScalingPolicy(minimum, maximum)


messages = st.lists(st.tuples(st.integers(0, 2**32 - 1), st.binary(max_size=40)), max_size=8)


@given(messages, st.lists(st.integers(1, 30), max_size=30))
def test_frames_survive_being_cut_anywhere(sent, cuts):
    stream = b"".join(frame(*message) for message in sent)
    buffer, got = FrameBuffer(), []
    for size in [*cuts, len(stream)]:
        got += buffer.feed(stream[:size])
        stream = stream[size:]
    assert got == sent


@given(messages, st.integers(0, 400))
def test_a_stream_that_ends_within_a_frame_yields_the_whole_ones(sent, end):
    stream = b"".join(frame(*message) for message in sent)[:end]
    got = list(read_frames(io.BytesIO(stream)))
    assert got == sent[: len(got)]
    assert sum(8 + len(body) for _, body in got) <= len(stream)
