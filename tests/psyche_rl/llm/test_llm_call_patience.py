"""When a call is tried again, when it has failed, and when nothing is to be waited for: without a clock."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.llm import call_patience
from psyche_rl.llm.attempts import FailedAttemptError, Sent
from psyche_rl.llm.call_patience import CallPatience, LongPauseError, long_pause
from psyche_rl.llm.notices import Notices

SENT = Sent(b"{}", "m", "http://a/v1")


def failed(kind="rate_limited", retry_after=None, took=0.0, elsewhere=False):
    one = FailedAttemptError(kind, "HTTP 429: slow down", retry_after, SENT)
    one.took, one.elsewhere = took, elsewhere
    return one


def patience(monkeypatch=None, **settings):
    if monkeypatch is not None:
        monkeypatch.setattr(call_patience.random, "uniform", lambda low, high: low)
    return CallPatience(TeacherConfig(**settings), 0.5)


def test_limits_are_given_or_derived():
    assert TeacherConfig().call_limit_s == 6 * (120 + 30)
    assert TeacherConfig(call_s=500.0).call_limit_s == 500.0
    assert TeacherConfig(attempts=2, max_in_flight=10).stage_limit_s(25) == 3 * 300 + 3600
    assert TeacherConfig(stage_s=7.0).stage_limit_s(10**6) == 7.0


def test_tries_and_pauses_use_up_the_time_of_a_call(monkeypatch):
    one = patience(monkeypatch, timeout_s=10.0, call_s=20.0)
    assert one.pause(failed(took=4.0)) == 0.5
    assert one.pause(failed(took=4.0)) == 1.0
    assert one.pause(failed(took=10.0, retry_after=0.5)) == 0.5
    assert one.pause(failed()) is None
    assert one.tries == 4
    assert one.told(failed()) == "HTTP 429: slow down; waited out for 20 of 20 s (teacher.call_s)"
    assert one.told(failed("bad_body")) == "HTTP 429: slow down"


def test_a_pause_that_fits_a_call_but_not_what_is_left_of_it_ends_the_call():
    one = patience(timeout_s=10.0, call_s=20.0)
    assert one.pause(failed(retry_after=20.0)) == 20.0
    assert patience(timeout_s=10.0, call_s=20.0).pause(failed(took=1.0, retry_after=20.0)) is None


def test_a_longer_one_than_any_call_can_take_is_no_pause_unless_another_server_helps():
    with pytest.raises(LongPauseError, match="21 s") as caught:
        patience(timeout_s=10.0, call_s=20.0).pause(failed(retry_after=21.0))
    assert caught.value.seconds == 21.0
    assert patience(timeout_s=10.0, call_s=20.0).pause(failed(retry_after=21.0, elsewhere=True)) == 0.0


def test_faults_are_counted_and_overload_is_not():
    one = patience(attempts=2)
    assert [one.pause(failed()) is None for _ in range(4)] == [False] * 4
    assert one.pause(failed("server_error")) is not None
    assert one.pause(failed("unavailable")) is not None
    assert one.pause(failed("bad_body")) is None


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["rate_limited", "unavailable", "timeout", "bad_body"]), st.floats(0, 50),
                  st.none() | st.floats(0, 400), st.booleans()),
        max_size=40,
    )
)  # fmt: skip
def test_a_call_never_takes_longer_than_it_may(faults):
    one, spent = patience(timeout_s=50.0, call_s=300.0), 0.0
    for kind, took, retry_after, elsewhere in faults:
        spent += took
        try:
            pause = one.pause(failed(kind, retry_after, took, elsewhere))
        except LongPauseError:
            assert retry_after > 300
            return
        if pause is None:
            return
        assert pause >= 0
        spent += pause
        assert spent <= 300 + 1e-6


def test_what_is_told_of_a_long_pause_names_who_when_and_how():
    now = datetime(2026, 1, 2, 23, 30, tzinfo=UTC)
    assert str(long_pause(failed(), 5400.0, 900.0, now)) == (
        "teacher at http://a/v1 asks for a pause of 5,400 s (HTTP 429: slow down), which is more than the "
        "900 s that a call may take; run again after 2026-01-03 01:00 UTC: finished calls are kept; or "
        "wait with teacher.call_s=6300"
    )
    nameless = FailedAttemptError("rate_limited", "oh")
    assert str(long_pause(nameless, 5400.0, 900.0, now)).startswith("teacher asks for")


def test_a_pause_of_a_server_is_said_once():
    notices = Notices(900.0)
    for now in (0.0, 5.0, 29.9):
        notices.note(failed(retry_after=30.0), 30.0, now)
    (line,) = notices.taken()
    assert line.startswith("teacher at http://a/v1 asks for a pause of 30 s (HTTP 429: slow down); ")
    assert "up to 900 s (teacher.call_s)" in line
    assert "Ctrl-C" in line
    assert notices.taken() == []
    notices.note(failed(retry_after=8.0), 8.0, 30.0)
    assert len(notices.taken()) == 1


def test_overload_without_a_word_is_said_once_a_minute_and_short_or_other_pauses_never():
    notices = Notices(900.0)
    notices.note(failed(), 7.9, 0.0)
    notices.note(failed("server_error"), 30.0, 0.0)
    assert notices.taken() == []
    for now in (0.0, 59.0, 60.0):
        notices.note(failed(), 8.0, now)
    assert [("does not say for how long" in line) for line in notices.taken()] == [True, True]
