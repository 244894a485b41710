"""How calls and the client end: what is counted, what is on record, what is let go of."""

import asyncio
import dataclasses
import sqlite3

import pytest

from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.errors import ModelError, PsycheError, TeacherError
from psyche_rl.llm import (
    CallCache,
    CallFailure,
    ChatClient,
    ChatReply,
    ChatRequest,
    client,
    probe,
    server_probe,
)
from psyche_rl.llm.attempts import Answer, FailedAttemptError, RefusedError, Sent
from psyche_rl.llm.call_cache import Answered, CallNote
from psyche_rl.llm.call_log import CallLog
from psyche_rl.llm.group_commit import GroupCommit

SENT = Sent(b'{"sent": 1}', "theirs", "http://a/v1")


def ask(text):
    return ChatRequest("m", (("user", text),), 0.0, 16)


class Scripted:
    """Ends each prompt's tries as listed, then answers; hangs where it says so."""

    def __init__(self, **ends):
        self.ends, self.closed, self.tried = ends, 0, []

    async def attempt(self, request):
        text = request.messages[0][1]
        self.tried.append(text)
        listed = self.ends.get(text)
        end = listed.pop(0) if listed else Answer(ChatReply("好", 2, 1), SENT)
        if end == "hang":
            await asyncio.sleep(600)
        if isinstance(end, Exception):
            raise end
        return end

    async def close(self):
        self.closed += 1


def with_client(tmp_path, work, transport, **settings):
    async def run():
        cache = CallCache(tmp_path / "calls.sqlite", clock=lambda: 7.0)
        config = TeacherConfig(**{"base_url": "http://a/v1", "attempts": 2, **settings})
        asking = ChatClient(config, cache, backoff_s=0.0, transport=transport)
        try:
            return await work(asking)
        finally:
            await asking.close()
            cache.close()

    return asyncio.run(run())


def test_every_end_is_counted_once(tmp_path):
    async def work(asking):
        assert await asking.complete_many([]) == []
        await asking.complete_many([ask("一"), ask("一"), ask("坏")])
        await asking.complete(ask("一"))
        await asking.complete(ask("二"))
        return asking.counts()

    transport = Scripted(坏=[RefusedError(400, "no", SENT)])
    assert with_client(tmp_path, work, transport) == {
        "calls": 2, "cached": 2, "failures": 1, "prompt_tokens": 4, "completion_tokens": 2,
    }  # fmt: skip
    assert transport.closed == 1


def test_the_record_says_what_was_sent_and_after_how_many_tries(tmp_path):
    async def work(asking):
        return await asking.complete_many([ask("一"), ask("二"), ask("三")], "synth")

    transport = Scripted(
        一=[FailedAttemptError("server_error", "oh", 0.0)],
        二=[RefusedError(400, "no", SENT)],
        三=[FailedAttemptError("server_error", "oh", 0.0), FailedAttemptError("bad_body", "html", 0.0)],
    )
    results = with_client(tmp_path, work, transport)
    assert results == [ChatReply("好", 2, 1), CallFailure("refused", "no"), CallFailure("bad_body", "html")]
    log = CallLog(tmp_path / "calls.sqlite")
    rows = sorted(dataclasses.astuple(c)[1:7] + dataclasses.astuple(c)[8:] for c in log.calls())
    assert rows == [
        ("synth", "m", "", "bad_body", "html", 2, 0, 0, 7.0),
        ("synth", "theirs", "http://a/v1", "ok", "", 2, 2, 1, 7.0),
        ("synth", "theirs", "http://a/v1", "refused", "no", 1, 0, 0, 7.0),
    ]
    sent = {c.status: log.whole(c.id).request for c in log.calls()}
    assert sent == {"ok": {"sent": 1}, "refused": {"sent": 1}, "bad_body": ask("三").payload()}


@pytest.mark.parametrize("earlier", ["timeout", "connection", "unreachable"])
def test_a_server_that_never_spoke_stops_everything(earlier, tmp_path):
    async def work(asking):
        with pytest.raises(TeacherError, match="cannot be reached"):
            await asking.complete(ask("一"))
        with pytest.raises(TeacherError, match="cannot be reached"):
            await asking.complete(ask("二"))

    transport = Scripted(一=[FailedAttemptError(kind, "gone", 0.0) for kind in (earlier, "unreachable")])
    with_client(tmp_path, work, transport)
    assert transport.tried == ["一", "一"]


@pytest.mark.parametrize("earlier", ["rate_limited", "server_error", "bad_body"])
def test_one_that_spoke_meanwhile_costs_its_own_call_only(earlier, tmp_path):
    async def work(asking):
        return await asking.complete(ask("一")), await asking.complete(ask("二"))

    ends = (earlier, "unreachable", "unreachable") if earlier == "rate_limited" else (earlier, "unreachable")
    transport = Scripted(一=[FailedAttemptError(kind, "gone", 0.0) for kind in ends])
    found = with_client(tmp_path, work, transport)
    assert found == (CallFailure("unreachable", "gone"), ChatReply("好", 2, 1))


@pytest.mark.parametrize("end", [RefusedError(400, "no"), Answer(ChatReply("好", 2, 1), SENT)])
def test_what_another_call_heard_counts_too(end, tmp_path):
    class Between(Scripted):
        async def attempt(self, request):
            if self.tried == ["一"] and request.messages[0][1] == "一":
                await asking_too[0].complete(ask("二"))
            return await super().attempt(request)

    asking_too = []

    async def work(asking):
        asking_too.append(asking)
        return await asking.complete(ask("一"))

    gone = [FailedAttemptError("unreachable", "gone", 0.0) for _ in range(2)]
    assert with_client(tmp_path, work, Between(一=gone, 二=[end])).kind == "unreachable"


def test_the_first_error_that_is_hopeless_is_told_to_all(tmp_path):
    async def work(asking):
        for text in ("一", "二"):
            with pytest.raises(ModelError, match="no such model"):
                await asking.complete(ask(text))

    with_client(tmp_path, work, Scripted(一=[ModelError("no such model")]))


def test_a_closed_client_sends_nothing_and_lets_go_of_calls_that_do_not_end(tmp_path, monkeypatch):
    monkeypatch.setattr(client, "DRAIN_S", 0.01)
    transport = Scripted(慢=["hang"])

    async def work(asking):
        running = asyncio.ensure_future(asking.complete(ask("慢")))
        while not transport.tried:
            await asyncio.sleep(0)
        calls = list(asking._in_flight.values())
        await asking.close()
        with pytest.raises(PsycheError, match="the LLM client is closed"):
            await asking.complete(ask("后"))
        await asyncio.wait(calls, timeout=5)
        assert [call.cancelled() for call in calls] == [True]
        assert asking._in_flight == {}
        running.cancel()

    with_client(tmp_path, work, transport)
    assert transport.tried == ["慢"]


def test_as_many_calls_again_are_made_ready_as_may_be_in_flight(tmp_path):
    async def work(asking):
        assert (asking._places._value, asking._ready._value) == (3, 6)

    with_client(tmp_path, work, Scripted(), max_in_flight=3)


def test_a_commit_that_fails_is_told_to_all_that_wait_for_it_and_the_next_one_is_tried(tmp_path):
    class Full(CallCache):
        full = True

        def put_many(self, answered):
            if self.full:
                self.full = False
                raise sqlite3.OperationalError("disk is full")
            super().put_many(answered)

    async def work():
        cache = Full(tmp_path / "calls.sqlite")
        writing = GroupCommit(cache)
        answered = [Answered(ask(text), ChatReply("好", 1, 1), CallNote()) for text in "一二"]
        ends = await asyncio.gather(*map(writing.put, answered), return_exceptions=True)
        assert [str(end) for end in ends] == ["disk is full"] * 2
        await writing.put(answered[0])
        return len(cache)

    assert asyncio.run(work()) == 1


def test_a_server_that_accepts_and_says_nothing_is_not_there(monkeypatch):
    monkeypatch.setattr(server_probe, "PROBE_S", 0.05)

    async def work():
        server = await asyncio.start_server(lambda *_: asyncio.sleep(30), "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        try:
            with pytest.raises(TeacherError, match="cannot be reached"):
                await asyncio.wait_for(probe(TeacherConfig(base_url=url)), 5)
        finally:
            server.close()

    asyncio.run(work())


def test_a_probe_needs_an_address_or_a_model_folder(tmp_path):
    with pytest.raises(TeacherError, match=r"teacher\.base_url is not set"):
        asyncio.run(probe(TeacherConfig()))
    with pytest.raises(ModelError, match="absent"):
        asyncio.run(probe(TeacherConfig(engine="vllm", model=str(tmp_path / "absent"))))


@pytest.mark.parametrize("status", [401, 403])
def test_a_probe_that_is_refused_names_the_server_and_the_key(status):
    async def refuse(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status} no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async def work():
        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        try:
            with pytest.raises(
                TeacherError, match=f"teacher at {url} refuses calls with HTTP {status}.*MY_KEY"
            ):
                await probe(TeacherConfig(base_url=url, api_key_env="MY_KEY"))
        finally:
            server.close()

    asyncio.run(work())
