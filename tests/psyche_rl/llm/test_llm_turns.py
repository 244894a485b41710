"""Turns and what each try leaves behind: the transport on a clock of its own, without a server."""

import asyncio
import contextlib
from types import SimpleNamespace

import pytest

from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.errors import TeacherError
from psyche_rl.llm import ChatReply, ChatRequest, http_transport
from psyche_rl.llm.attempts import Answer, FailedAttemptError, RefusedError, Sent
from psyche_rl.llm.endpoints import Endpoint
from psyche_rl.llm.http_transport import HttpTransport
from psyche_rl.llm.window import Window

NOW = 1000.0
GOOD = Answer(ChatReply("好", 2, 1), Sent(b"{}", "m", "http://a/v1"))
PLAIN = ChatRequest("m", (("user", "问"),), 0.0, 16)
WITH_SCHEMA = ChatRequest("m", (("user", "问"),), 0.0, 16, schema='{"name": "A"}')


class Canned(HttpTransport):
    """Gives the listed results one after another, then good answers; keeps what was posted where."""

    def __init__(self, config, *results):
        super().__init__(config)
        self.results, self.posted = list(results), []

    async def _post(self, place, request):
        self.posted.append((place, request))
        await asyncio.sleep(0)
        result = self.results.pop(0) if self.results else GOOD
        if isinstance(result, Exception):
            raise result
        return result


@pytest.fixture
def clock(monkeypatch):
    """The transport's time, which stands still unless a test moves it."""
    now = SimpleNamespace(value=NOW)
    monkeypatch.setattr(http_transport, "time", SimpleNamespace(monotonic=lambda: now.value))
    return now


def with_transport(work, *results, servers=1, **settings):
    """Run ``work(transport)`` inside a loop, and close the transport."""

    async def run():
        addresses = [{"base_url": f"http://{letter}/v1"} for letter in "ab"[:servers]]
        transport = Canned(TeacherConfig(endpoints=addresses, **settings), *results)
        try:
            return await work(transport)
        finally:
            await transport.close()

    return asyncio.run(run())


async def tried(transport, request=PLAIN):
    """The error that a try ends in, None for an answer."""
    try:
        assert await transport.attempt(request) is GOOD
    except (FailedAttemptError, RefusedError, TeacherError) as error:
        return error


def test_an_answer_ends_the_strikes_and_widens_the_window(clock):
    async def work(transport):
        transport._states = [Endpoint(1.0, Window(16, 4.0, cuts=2), strikes=2)]
        assert await tried(transport) is None
        return transport._states, transport._answers

    states, answers = with_transport(work)
    assert states == [Endpoint(1.0, Window(16, 4.25, cuts=2))]
    assert answers == [1]


@pytest.mark.parametrize(
    ("kind", "retry_after", "left"),
    [
        ("rate_limited", 5.0, {"cut": True, "held_until": NOW + 5.0}),
        ("unavailable", 5.0, {"cut": True, "held_until": NOW + 5.0, "strikes": 1}),
        ("timeout", None, {"cut": True, "strikes": 1}),
        ("server_error", 5.0, {"strikes": 1}),
        ("connection", None, {"strikes": 1}),
        ("bad_body", None, {}),
        ("unreachable", None, {"strikes": 3, "resting_until": NOW + 2.0}),
    ],
)
def test_what_each_failure_leaves_behind(kind, retry_after, left, clock):
    async def work(transport):
        error = await tried(transport)
        return error, transport._states[0]

    error, state = with_transport(work, FailedAttemptError(kind, "oh", retry_after), max_in_flight=8)
    cut = left.pop("cut", False)
    assert error.kind == kind
    assert error.elsewhere is False  # there is no other
    assert state == Endpoint(1.0, Window(8, 4.0, cuts=1) if cut else Window.open(8), **left)


def test_a_burst_that_was_sent_before_a_cut_cuts_once(clock):
    async def work(transport):
        await asyncio.gather(*(tried(transport) for _ in range(3)))
        return transport._states[0]

    busy = [FailedAttemptError("rate_limited", "oh") for _ in range(3)]
    state = with_transport(work, *busy, max_in_flight=8)
    assert state == Endpoint(1.0, Window(8, 4.0, cuts=1))


@pytest.mark.parametrize(
    ("kind", "retry_after", "elsewhere"),
    [("rate_limited", 5.0, True), ("unreachable", None, True), ("rate_limited", None, False)],
)
def test_another_server_takes_over_only_from_one_that_is_left_alone(kind, retry_after, elsewhere, clock):
    error = with_transport(tried, FailedAttemptError(kind, "oh", retry_after), servers=2)
    assert error.elsewhere is elsewhere


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_server_that_refuses_all_is_out_and_the_last_one_stops_everything(status, clock):
    async def work(transport):
        first = await tried(transport)
        after_first = list(transport._states)
        return first, after_first, await tried(transport)

    sent = Sent(b"{}", "m", "http://a/v1")
    refusals = [RefusedError(status, "no", sent) for _ in range(2)]
    first, states, second = with_transport(work, *refusals, servers=2, max_in_flight=8)
    assert isinstance(first, FailedAttemptError)
    assert (first.kind, str(first), first.sent, first.elsewhere) == ("refused", "no", sent, True)
    assert states == [Endpoint(1.0, Window.open(8), is_out=True), Endpoint(1.0, Window.open(8))]
    assert isinstance(second, TeacherError)
    assert "http://b/v1 refuses calls" in str(second)


@pytest.mark.parametrize(("status", "answers"), [(400, 0), (402, 0), (404, 1)])
def test_other_refusals_and_those_after_an_answer_are_of_one_call(status, answers, clock):
    async def work(transport):
        transport._answers = [answers]
        return await tried(transport), transport._states[0].is_out

    error, is_out = with_transport(work, RefusedError(status, "no"))
    assert isinstance(error, RefusedError)
    assert not is_out


@pytest.mark.parametrize("status", [400, 415, 422])
def test_a_schema_that_is_refused_is_left_out_from_then_on(status, clock):
    async def work(transport):
        assert [await tried(transport, WITH_SCHEMA) for _ in range(2)] == [None, None]
        return transport.posted

    posted = with_transport(work, RefusedError(status, "no"))
    assert posted == [(0, WITH_SCHEMA), (0, PLAIN), (0, PLAIN)]


@pytest.mark.parametrize(
    ("status", "setting", "known"),
    [(413, "auto", None), (423, "auto", None), (400, "on", None), (400, "auto", True)],
)
def test_other_refusals_say_nothing_of_schemas(status, setting, known, clock):
    async def work(transport):
        transport._takes_schema = [known]
        return await tried(transport, WITH_SCHEMA), transport.posted, transport._takes_schema

    error, posted, takes = with_transport(work, RefusedError(status, "no"), structured_output=setting)
    assert error.status == status
    assert posted == [(0, WITH_SCHEMA)]
    assert takes == [known]


def test_that_a_server_takes_schemas_is_learnt_from_calls_that_have_one(clock):
    async def work(transport):
        await tried(transport)
        before = list(transport._takes_schema)
        await tried(transport, WITH_SCHEMA)
        return before, transport._takes_schema

    assert with_transport(work) == ([None], [True])


def test_sends_are_paced_and_the_alarm_wakes_the_next(clock):
    async def work(transport):
        turns = [asyncio.ensure_future(transport._turn()) for _ in range(6)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert [turn.done() for turn in turns] == [True] * 4 + [False] * 2
        alarm, begun = transport._alarm, asyncio.get_running_loop().time()
        assert 0.0 < alarm.when() - begun <= 0.0012 + 1e-6
        clock.value = NOW + 60.0  # late: what is due is not made up for
        transport._hand_out()
        await asyncio.sleep(0)
        assert [turn.done() for turn in turns] == [True] * 6
        assert transport._due == pytest.approx(NOW + 60.0006)
        return transport._states[0].in_flight

    assert with_transport(work) == 6


def test_there_is_one_alarm_and_none_once_it_is_closed(clock):
    async def work(transport):
        held = Endpoint(1.0, Window.open(8), held_until=NOW + 60.0)
        transport._states = [held]
        turns = [asyncio.ensure_future(transport._turn()) for _ in range(2)]
        await asyncio.sleep(0)
        first, begun = transport._alarm, asyncio.get_running_loop().time()
        assert first.when() - begun == pytest.approx(60.001, abs=1.0)
        transport._hand_out()
        second = transport._alarm
        assert first.cancelled()
        assert not second.cancelled()
        await transport.close()
        assert second.cancelled()
        for turn in turns:
            turn.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await turn

    with_transport(work)


@pytest.mark.parametrize("given", [True, False])
def test_a_turn_that_nobody_waits_for_any_more_goes_to_the_next(given, clock):
    """Cancelled after it was given its turn, or before."""

    async def work(transport):
        assert await transport._turn() == 0
        second, third = (asyncio.ensure_future(transport._turn()) for _ in range(2))
        await asyncio.sleep(0)
        for step in ("land", "cancel") if given else ("cancel", "land"):
            if step == "cancel":
                second.cancel()
            else:
                transport._states[0] = transport._states[0].landed()
                transport._hand_out()
        with pytest.raises(asyncio.CancelledError):
            await second
        transport._hand_out()
        assert await asyncio.wait_for(third, 5) == 0
        return transport._states[0].in_flight, len(transport._waiting)

    assert with_transport(work, max_in_flight=1) == (1, 0)
