"""How fast requests leave, how long is waited for what, and how long a call is said to have taken."""

import asyncio
from types import SimpleNamespace

import pytest

from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.errors import ModelError
from psyche_rl.llm import (
    CallCache,
    ChatClient,
    ChatReply,
    ChatRequest,
    call_patience,
    client,
    http_transport,
    probe,
)
from psyche_rl.llm.attempts import Answer, FailedAttemptError, RefusedError, Sent
from psyche_rl.llm.call_log import CallLog
from psyche_rl.llm.endpoints import Endpoint
from psyche_rl.llm.http_transport import HttpTransport
from psyche_rl.llm.usage import Spent, Usage
from psyche_rl.llm.window import Window

SENT = Sent(b"{}", "m", "http://a/v1")


def ask(text):
    return ChatRequest("m", (("user", text),), 0.0, 16)


def on_transport(work, now=0.5, **settings):
    """``work(transport)`` with a clock of the transport's own that stands still."""

    async def run():
        transport = HttpTransport(TeacherConfig(**{"base_url": "http://127.0.0.1:9/v1", **settings}))
        try:
            return await work(transport)
        finally:
            await transport.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http_transport, "time", SimpleNamespace(monotonic=lambda: now))
        return asyncio.run(run())


def test_a_burst_leaves_a_few_requests_at_a_time():
    """At 0.3 ms each and up to 1 ms early: four at once, the next one when it is due but for that 1 ms."""

    async def work(transport):
        loop = asyncio.get_running_loop()
        begun = loop.time()
        turns = [asyncio.ensure_future(transport._turn()) for _ in range(10)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        given = sum(turn.done() for turn in turns)
        wait = transport._alarm.when() - begun
        latest = transport._alarm.when() - loop.time()
        for turn in turns:
            turn.cancel()
        return given, wait, latest

    given, wait, latest = on_transport(work, max_in_flight=16)
    assert given == 4
    assert wait >= 0.0012 - 1e-6  # 0.2 ms until the next is due, and 1 ms so that it is not woken too early
    assert latest <= 0.0012 + 1e-6


def test_a_request_after_a_pause_is_not_held_back_by_those_before_it():
    async def work(transport):
        transport._due = 3.0
        await transport._turn()
        return transport._due

    assert on_transport(work, now=9.0) == pytest.approx(9.0003)


def test_an_alarm_for_a_moment_that_is_over_rings_soon():
    async def work(transport):
        transport._wake_at(1.0)
        return transport._alarm.when() - asyncio.get_running_loop().time()

    assert on_transport(work, now=9.0) <= 0.001


def test_connections_and_seconds_of_a_call_are_those_of_the_config():
    async def work(transport):
        return transport._session.connector.limit, transport._session.timeout.total

    assert on_transport(work, max_in_flight=7, timeout_s=42.0) == (7, 42.0)


def test_a_probe_waits_a_quarter_of_a_minute(monkeypatch):
    asked = []
    whole = http_transport.aiohttp.ClientTimeout

    def timeout(total):
        asked.append(total)
        return whole(total=1.0)

    monkeypatch.setattr(http_transport.aiohttp, "ClientTimeout", timeout)
    with pytest.raises(Exception, match="cannot be reached"):
        asyncio.run(probe(TeacherConfig(base_url="http://127.0.0.1:9/v1")))
    assert asked == [15.0]


@pytest.mark.parametrize(
    ("kind", "retry_after", "held", "resting", "cuts"),
    [
        ("rate_limited", 5.0, 14.0, 0.0, 1),
        ("unavailable", None, 0.0, 0.0, 1),
        ("timeout", None, 0.0, 0.0, 1),
        ("server_error", 5.0, 0.0, 0.0, 0),
        ("connection", None, 0.0, 0.0, 0),
        ("unreachable", None, 0.0, 11.0, 0),
        ("bad_body", None, 0.0, 0.0, 0),
    ],
)
def test_what_a_failure_does_to_its_server(kind, retry_after, held, resting, cuts):
    async def work(transport):
        transport._note(0, FailedAttemptError(kind, "oh", retry_after), 0)
        return transport._states[0]

    state = on_transport(work, now=9.0)
    assert (state.held_until, state.resting_until, state.window.cuts) == (held, resting, cuts)
    assert state.strikes == {"rate_limited": 0, "bad_body": 0, "unreachable": 3}.get(kind, 1)


@pytest.mark.parametrize("status", [401, 403, 404])
@pytest.mark.parametrize("answers", [0, 1])
def test_a_server_that_says_no_before_it_ever_answered_is_out(status, answers):
    async def work(transport):
        transport._answers[0] = answers
        transport._states[0] = Endpoint(2.0, Window.open(5), in_flight=1, strikes=2)
        if answers:
            transport._drop_if_useless(0, RefusedError(status, "no", SENT))
        else:
            with pytest.raises(FailedAttemptError, match=r"^no$") as raised:
                transport._drop_if_useless(0, RefusedError(status, "no", SENT))
            failed = raised.value
            assert (failed.kind, failed.sent, failed.elsewhere) == ("refused", SENT, True)
        return transport._states[0]

    urls = [{"base_url": "http://127.0.0.1:9/v1"}, {"base_url": "http://127.0.0.1:8/v1"}]
    state = on_transport(work, base_url=None, endpoints=urls)
    assert state == Endpoint(2.0, Window.open(5), 1, 0 if not answers else 2, is_out=not answers)


@pytest.mark.parametrize("status", [400, 402, 405, 422])
def test_another_refusal_is_that_of_one_call(status):
    async def work(transport):
        transport._drop_if_useless(0, RefusedError(status, "no", SENT))
        return transport._states[0].is_out

    assert not on_transport(work)


class Scripted:
    def __init__(self, ends):
        self.ends = ends

    async def attempt(self, request):
        end = self.ends.get(request.messages[0][1])
        if end == "hang":
            await asyncio.sleep(600)
        if isinstance(end, Exception):
            raise end
        return Answer(ChatReply("好", 2, 1), SENT)

    async def close(self):
        pass


def with_client(tmp_path, work, ends=()):
    async def run():
        cache = CallCache(tmp_path / "calls.sqlite")
        asking = ChatClient(TeacherConfig(base_url="http://a/v1"), cache, transport=Scripted(dict(ends)))
        try:
            return await work(asking)
        finally:
            await asking.close()
            cache.close()

    return asyncio.run(run())


def test_the_log_holds_the_seconds_from_the_first_try_to_the_answer(tmp_path, monkeypatch):
    moments = iter([10.0, 13.5])
    monkeypatch.setattr(client, "time", SimpleNamespace(monotonic=lambda: next(moments)))
    with_client(tmp_path, lambda asking: asking.complete(ask("一")))
    (call,) = CallLog(tmp_path / "calls.sqlite").calls()
    assert call.seconds == 3.5


def test_a_hopeless_error_is_not_kept_back_by_calls_still_in_flight(tmp_path, monkeypatch):
    monkeypatch.setattr(client, "DRAIN_S", 0.01)

    async def work(asking):
        with pytest.raises(ModelError, match="no such model"):
            await asyncio.wait_for(asking.complete_many([ask("慢"), ask("坏")]), 20)

    with_client(tmp_path, work, {"慢": "hang", "坏": ModelError("no such model")})


def test_pauses_begin_at_half_a_second_and_end_at_half_a_minute(tmp_path, monkeypatch):
    monkeypatch.setattr(call_patience.random, "uniform", lambda low, high: high)

    async def work(asking):
        return [call_patience.backoff(asking._backoff_s, tries) for tries in (1, 2, 3, 99, 9999)]

    assert with_client(tmp_path, work) == [0.75, 1.25, 2.25, 30.0, 30.0]


@pytest.mark.parametrize(("cap", "limit", "after"), [(64, 32.0, 32.125), (16, 4.0, 4.25), (3, 1.0, 2.0)])
def test_an_answer_adds_its_share_of_a_sixteenth_of_the_cap(cap, limit, after):
    assert Window(cap, limit).answered().limit == after


@pytest.mark.parametrize(("limit", "after"), [(32.0, 16.0), (3.0, 1.5), (1.0, 1.0)])
def test_an_overload_halves_and_is_numbered(limit, after):
    window = Window(64, limit, cuts=2)
    assert window.overloaded(2) == Window(64, after, cuts=3)
    assert window.overloaded(3) == Window(64, after, cuts=3)
    assert window.overloaded(1) == window


def test_usages_and_sums_spent_add_up_field_by_field():
    one, other = Usage("s", "m", 1, 2, 3, 4, 5.0), Usage("t", "n", 10, 20, 30, 40, 50.0)
    assert one + other == Usage("s", "m", 11, 22, 33, 44, 55.0)
    assert Spent(5, 2.0) + Spent(1, 0.5) == Spent(6, 2.5)
    assert Spent(5, 2.0) - Spent(1, 0.5) == Spent(4, 1.5)
    assert Spent() == Spent(0, 0.0)


def test_a_call_that_failed_has_used_nothing(tmp_path):
    async def work(asking):
        await asking.complete(ask("坏"))
        return asking._budget.used, asking._budget.in_flight

    assert with_client(tmp_path, work, {"坏": RefusedError(400, "no", SENT)}) == (Spent(), 0)


def test_calls_in_flight_have_ten_seconds_to_land_when_the_client_is_closed(tmp_path, monkeypatch):
    async def work(asking):
        running = asyncio.ensure_future(asking.complete(ask("慢")))
        await asyncio.sleep(0)
        given, whole = [], asyncio.wait

        async def wait(tasks, timeout):
            given.append(timeout)
            return await whole(tasks, timeout=0.01)

        monkeypatch.setattr(client.asyncio, "wait", wait)
        await asking.close()
        monkeypatch.undo()
        running.cancel()
        return given

    assert with_client(tmp_path, work, {"慢": "hang"}) == [10.0]
