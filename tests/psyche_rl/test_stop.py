"""The wish to stop, as loops and signals see it."""

from psyche_rl.stop import StopRequest


def test_the_first_reason_stays_and_what_may_not_be_saved_stays_unsaved():
    stop = StopRequest()
    assert not stop.requested
    stop.request("SIGHUP", may_save=False)
    stop.request("SIGTERM")
    assert (stop.requested, stop.reason, stop.may_save) == (True, "SIGHUP", False)


def test_a_loop_heeds_for_as_long_as_it_runs():
    stop = StopRequest()
    with stop.heeding():
        assert stop.heeded
    assert not stop.heeded


def test_no_handler_of_errors_takes_the_end_for_a_failure():
    stop = StopRequest()
    ended = stop.leave("after step 3")
    assert stop.leaving
    assert isinstance(ended, KeyboardInterrupt)
    assert not isinstance(ended, Exception)
    assert str(ended) == "after step 3"
