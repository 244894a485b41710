"""How long the client waits between two tries of a call, on a clock of its own."""

import asyncio
from types import MappingProxyType

import pytest

from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.errors import TeacherError
from psyche_rl.llm import CallCache, CallFailure, ChatClient, ChatReply, ChatRequest, call_patience, client
from psyche_rl.llm.attempts import Answer, FailedAttemptError, Sent

ASKED = ChatRequest("m", (("user", "问"),), 0.0, 16)


class Failing:
    """A transport that fails with each of the given faults in turn, then answers."""

    def __init__(self, faults):
        self.faults, self.tries = list(faults), 0

    async def attempt(self, request):
        self.tries += 1
        if self.faults:
            raise self.faults.pop(0)
        return Answer(ChatReply("好", 2, 1), Sent(b"", "m", "here"))

    def abandon(self, error):
        self.abandoned = error

    async def close(self):
        pass


def fault(retry_after=None, elsewhere=False, kind="server_error"):
    failed = FailedAttemptError(kind, "oh", retry_after)
    failed.elsewhere = elsewhere
    return failed


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Ask once through a transport with these faults: (result, pauses, tries)."""
    pauses = []
    really = asyncio.sleep

    async def sleep(seconds):
        pauses.append(seconds)
        await really(0)

    monkeypatch.setattr(call_patience.random, "uniform", lambda low, high: high)

    def ask(*faults, attempts=9, limits=MappingProxyType({}), **settings):
        async def work():
            transport = Failing(faults)
            config = TeacherConfig(base_url="http://127.0.0.1:9/v1", attempts=attempts, **limits)
            cache = CallCache(tmp_path / "calls.sqlite")
            asking = ChatClient(config, cache, transport=transport, **settings)
            monkeypatch.setattr(client.asyncio, "sleep", sleep)
            try:
                result = await asking.complete(ASKED)
            finally:
                monkeypatch.setattr(client.asyncio, "sleep", really)
                await asking.close()
            return result, list(pauses), transport.tries

        return asyncio.run(work())

    return ask


def test_the_backoff_doubles_with_jitter_up_to_half_a_minute(run):
    result, pauses, tries = run(*(fault() for _ in range(8)))
    assert result == ChatReply("好", 2, 1)
    assert pauses == [0.75, 1.25, 2.25, 4.25, 8.25, 16.25, 30.0, 30.0]
    assert tries == 9


def test_the_jitter_is_between_nothing_and_half_the_first_pause(run, monkeypatch):
    asked = []
    monkeypatch.setattr(call_patience.random, "uniform", lambda low, high: asked.append((low, high)) or low)
    assert run(fault(), backoff_s=2.0)[1] == [2.0]
    assert asked == [(0, 1.0)]


def test_what_the_server_asks_for_is_obeyed(run):
    assert run(fault(0.0), fault(7.5), fault(240.0))[1] == [0.0, 7.5, 240.0]


@pytest.mark.parametrize("kind", ["rate_limited", "unavailable"])
def test_a_minute_of_overload_is_waited_out_at_the_defaults(run, kind):
    attempts = TeacherConfig().attempts
    result, pauses, tries = run(*(fault(kind=kind) for _ in range(8)), attempts=attempts)
    assert result == ChatReply("好", 2, 1)
    assert (sum(pauses) > 60, tries) == (True, 9)


def test_overload_is_waited_out_for_as_long_as_a_call_may_take_and_no_longer(run):
    faults = [fault(kind="rate_limited") for _ in range(99)]
    result, pauses, _ = run(*faults, attempts=2, limits={"timeout_s": 5.0, "call_s": 50.0})
    assert (result.kind, sum(pauses)) == ("rate_limited", 50.0)
    assert pauses == [0.75, 1.25, 2.25, 4.25, 8.25, 16.25, 17.0]


def test_a_server_that_asks_for_no_pause_again_and_again_gets_one(run):
    faults = [fault(0.0, kind="rate_limited") for _ in range(5)]
    assert run(*faults, attempts=3)[1] == [0.0, 0.0, 2.25, 4.25, 8.25]


def test_a_longer_pause_than_the_backoff_is_as_the_server_asks(run):
    assert run(fault(60.0, kind="unavailable"), attempts=1)[1] == [60.0]


def test_an_hour_is_said_at_once_with_both_ways_on(run):
    with pytest.raises(TeacherError) as caught:
        run(fault(3600.0, kind="rate_limited"), attempts=6)
    said = str(caught.value)
    assert "asks for a pause of 3,600 s" in said
    assert "more than the 900 s that a call may take" in said
    assert "finished calls are kept" in said
    assert "teacher.call_s=4500" in said
    assert "\n" not in said
    assert run(fault(3600.0), attempts=6, limits={"call_s": 4500.0})[1] == [3600.0]


def test_there_is_no_pause_where_another_server_can_take_the_call(run):
    assert run(fault(60.0, elsewhere=True), fault(elsewhere=True))[1] == [0.0, 0.0]


@pytest.mark.parametrize("attempts", [1, 3])
def test_a_call_is_tried_as_often_as_the_config_says(run, attempts):
    result, pauses, tries = run(*(fault() for _ in range(9)), attempts=attempts)
    assert isinstance(result, CallFailure)
    assert (result.kind, tries, len(pauses)) == ("server_error", attempts, attempts - 1)
