"""The client against a local server that misbehaves in every way servers do."""

import asyncio
import json
import socket

import pytest
from bad_server import BadServer, served

from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.errors import TeacherError
from psyche_rl.llm import CallCache, CallFailure, ChatClient, ChatReply, ChatRequest, probe
from psyche_rl.llm.attempts import Answer, Sent
from psyche_rl.llm.endpoints import Endpoint
from psyche_rl.llm.http_reply import failure_of
from psyche_rl.llm.window import Window
from psyche_rl.masking import SecretMask

HASTY = {True: {"timeout_s": 0.3}, False: {}}


def ask(text, sample=0):
    return ChatRequest("m", (("user", text),), 0.0, 16, sample)


@pytest.mark.parametrize("act", ["429", "500", "hang", "break", "html", "error body", "empty"])
def test_a_passing_fault_is_tried_again(act, tmp_path):
    async def work():
        server = BadServer(问=[act, act])
        async with served(server, tmp_path, **HASTY[act == "hang"]) as (client, _):
            assert await client.complete(ask("问")) == ChatReply("好", 2, 1)
            assert server.seen == ["问"] * 3

    asyncio.run(work())


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        ("500", "server_error"),
        ("hang", "timeout"),
        ("break", "connection"),
        ("html", "bad_body"),
        ("error body", "bad_body"),
    ],
)
def test_a_lasting_fault_is_a_failure_of_its_own_call_only(act, kind, tmp_path):
    async def work():
        server = BadServer(坏=[act] * 9)
        async with served(server, tmp_path, **HASTY[act == "hang"]) as (client, cache):
            bad, fine = await client.complete_many([ask("坏"), ask("好")])
            assert isinstance(bad, CallFailure)
            assert bad.kind == kind
            assert fine == ChatReply("好", 2, 1)
            assert server.seen.count("坏") == 4
            assert len(cache) == 1  # a failure is never kept as an answer

    asyncio.run(work())


def test_a_bad_request_is_not_tried_again(tmp_path):
    async def work():
        server = BadServer(坏=["400"])
        async with served(server, tmp_path) as (client, _):
            result = await client.complete(ask("坏"))
            assert isinstance(result, CallFailure)
            assert result.kind == "refused"
            assert "too long" in result.message
            assert len(server.seen) == 1

    asyncio.run(work())


@pytest.mark.parametrize(("act", "remedy"), [("401", "MY_KEY"), ("404", "teacher.model")])
def test_a_server_that_refuses_everything_is_one_line(act, remedy, tmp_path):
    async def work():
        server = BadServer(问=[act] * 9)
        async with served(server, tmp_path, api_key_env="MY_KEY") as (client, _):
            with pytest.raises(TeacherError, match=remedy) as caught:
                await client.complete_many([ask("问"), ask("问", 1)])
            assert "\n" not in str(caught.value)

    asyncio.run(work())


def test_a_refusal_after_answers_is_a_failure_like_others(tmp_path):
    async def work():
        async with served(BadServer(问=["401"]), tmp_path) as (client, _):
            assert isinstance(await client.complete(ask("好")), ChatReply)
            assert isinstance(await client.complete(ask("问")), CallFailure)

    asyncio.run(work())


def test_retry_after_is_waited_for_rather_than_the_backoff(tmp_path):
    async def work():
        server = BadServer(问=["429"])
        async with served(server, tmp_path) as (client, _):
            client._backoff = lambda _: 60.0  # would run into the test's own limit
            assert isinstance(await asyncio.wait_for(client.complete(ask("问")), 20), ChatReply)

    asyncio.run(work())


def test_the_same_request_in_flight_or_finished_is_sent_once(tmp_path):
    async def work():
        server = BadServer()
        async with served(server, tmp_path) as (client, _):
            first = await client.complete_many([ask("问")] * 5)
            assert server.seen == ["问"]
            assert {r.text for r in first} == {"好"}
            assert (await client.complete(ask("问"))).cached
            assert server.seen == ["问"]
            await client.complete(ask("问", sample=1))
            assert server.seen == ["问"] * 2

    asyncio.run(work())


def test_no_more_requests_are_in_flight_than_allowed(tmp_path):
    async def work():
        server = BadServer()
        async with served(server, tmp_path, max_in_flight=3) as (client, _):
            await client.complete_many([ask(f"问{i}") for i in range(20)])
            assert server.most == 3

    asyncio.run(work())


def test_the_key_goes_to_the_server_and_not_into_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MY_KEY", "sk-very-secret")

    async def work():
        server = BadServer()
        async with served(server, tmp_path, api_key_env="MY_KEY") as (client, cache):
            await client.complete(ask("问"))
            assert server.headers[0]["Authorization"] == "Bearer sk-very-secret"
            cache.close()
        stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
        assert json.dumps("问", ensure_ascii=False).encode() in stored
        assert b"very-secret" not in stored

    asyncio.run(work())


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_dead_server_is_one_line_with_its_address_and_the_remedy(tmp_path):
    async def work():
        url = f"http://127.0.0.1:{free_port()}/v1"
        config = TeacherConfig(base_url=url, attempts=3)
        client = ChatClient(config, CallCache(tmp_path / "calls.sqlite"), backoff_s=0.01)
        try:
            for call in (probe(config), client.complete_many([ask("a"), ask("b")])):
                with pytest.raises(TeacherError, match=url) as caught:
                    await call
                assert "teacher.base_url" in str(caught.value)
                assert "\n" not in str(caught.value)
        finally:
            await client.close()

    asyncio.run(work())


def test_a_server_that_dies_is_named_and_what_had_finished_is_kept(tmp_path):
    async def work():
        async with served(BadServer(), tmp_path) as (client, _):
            await client.complete(ask("早"))
            client._transport._servers = TeacherConfig(
                base_url=f"http://127.0.0.1:{free_port()}/v1"
            ).servers()
            with pytest.raises(TeacherError, match="cannot be reached"):
                await client.complete_many([ask("晚")])
            assert (await client.complete(ask("早"))).cached

    asyncio.run(work())


@pytest.mark.parametrize("asked", ["1e9", "inf", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_server_that_asks_for_what_makes_no_sense_is_asked_again_sooner(asked, tmp_path, monkeypatch):
    failed = failure_of(429, asked, b"", Sent(b"", "m", "u"), SecretMask())
    assert failed.retry_after == 120.0
    state = Endpoint(1.0, Window.open(4)).overloaded(1, now=5.0, retry_after=failed.retry_after)
    assert state.held_until == 125.0
    pauses = []

    class Busy:
        async def attempt(self, request):
            if pauses:
                return Answer(ChatReply("好", 1, 1), Sent(b"{}", "m", "u"))
            raise failed

        def abandon(self, error):
            pass

        async def close(self):
            pass

    async def pause(seconds):
        pauses.append(seconds)

    async def work():
        client = ChatClient(TeacherConfig(), CallCache(tmp_path / "calls.sqlite"), transport=Busy())
        monkeypatch.setattr(asyncio, "sleep", pause)
        return await client.complete(ask("问"))

    assert asyncio.run(work()).text == "好"
    assert pauses == [120.0]


def test_half_an_emoji_costs_no_other_reply_of_its_commit(tmp_path):
    class Cut:
        async def attempt(self, request):
            text = request.messages[0][1]
            return Answer(ChatReply(f"{text}\ud83d", 1, 1), Sent(b"{}", "m", "u"))

        async def close(self):
            pass

    async def work():
        cache = CallCache(tmp_path / "calls.sqlite")
        client = ChatClient(TeacherConfig(), cache, transport=Cut())
        replies = await client.complete_many([ask("一"), ask("二")])
        assert [reply.text for reply in replies] == ["一", "二"]
        assert cache.get(ask("二")).text == "二"

    asyncio.run(work())
