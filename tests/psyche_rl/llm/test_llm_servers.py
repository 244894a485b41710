"""Servers as they are, over HTTP: refused fields, empty accounts, long pauses, proxies, odd usage."""

import asyncio
import json
import math

import pytest
from aiohttp import web
from bad_server import BadServer, client_of, served, serving

from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.errors import BudgetError, TeacherError
from psyche_rl.llm import CallCache, ChatClient, ChatReply, ChatRequest
from psyche_rl.llm import client as client_module
from psyche_rl.llm.attempts import FailedAttemptError, Sent
from psyche_rl.llm.endpoints import Endpoint, others_back
from psyche_rl.llm.http_transport import HttpTransport
from psyche_rl.llm.proxies import Proxy, proxy_for
from psyche_rl.llm.usage import most_tokens
from psyche_rl.llm.window import Window

NO_SEED = (422, {}, {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"]}]})
HOUR = (429, {"Retry-After": "3600"}, {"error": "limit"})


def ask(text, sample=0):
    return ChatRequest("m", (("user", text),), 0.0, 16, sample)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (NO_SEED, r"it names 'seed': leave it out with teacher\.omit=\[seed\]"),
        ((402, {}, {"error": "balance"}), "top up the account"),
        ((429, {}, {"error": {"code": "insufficient_quota"}}), "top up the account"),
        (HOUR, r"asks for a pause of 3,600 s .*run again after .*teacher\.call_s="),
        ((503, {"Retry-After": "86400"}, {}), "asks for a pause of 86,400 s"),
    ],
)
def test_what_no_try_can_mend_stops_everything_at_once(act, words, tmp_path):
    async def work():
        server = BadServer(**{text: [act] * 9 for text in "一二三四五"})
        async with served(server, tmp_path, max_in_flight=2) as (client, _):
            with pytest.raises(TeacherError, match=words) as caught:
                await asyncio.wait_for(client.complete_many([ask(text) for text in "一二三四五"]), 20)
            assert "\n" not in str(caught.value)
            assert len(server.seen) <= 2  # none but those that were on their way
            with pytest.raises(TeacherError):
                await client.complete(ask("后"))

    asyncio.run(work())


class Overloaded:
    """Asks 停 for a minute, lets 等 wait for a turn, and when both do, asks 久 for an hour."""

    def __init__(self):
        self.turn = asyncio.get_running_loop().create_future()
        self.client = None

    async def attempt(self, request):
        text = request.messages[0][1]
        if text == "停":
            raise FailedAttemptError("rate_limited", "HTTP 429", 60.0, Sent(b"", "m", "http://a/v1"))
        if text == "等":
            await self.turn
        while not self.client._resting:
            await asyncio.sleep(0)
        raise FailedAttemptError("rate_limited", "HTTP 429", 3600.0)

    def abandon(self, error):
        self.turn.set_exception(error)

    async def close(self):
        pass


def test_calls_that_wait_for_a_turn_or_pause_end_with_the_others(tmp_path):
    """Blocks of other steps wait on the same client: none of them may be left to hang."""

    async def work():
        transport = Overloaded()
        client = ChatClient(TeacherConfig(), CallCache(tmp_path / "c.sqlite"), transport=transport)
        transport.client = client
        blocks = [client.complete_many([ask(text)]) for text in "停等久"]
        ends = await asyncio.wait_for(asyncio.gather(*blocks, return_exceptions=True), 20)
        (line,) = client.notices()
        return [type(end) for end in ends], line

    ends, line = asyncio.run(work())
    assert ends == [TeacherError] * 3
    assert line.startswith("teacher at http://a/v1 asks for a pause of 60 s (HTTP 429); ")


def test_a_pause_ends_when_another_server_is_back():
    states = [Endpoint(1.0, Window.open(4), held_until=held) for held in (5.0, 3600.0, 70.0)]
    states.append(Endpoint(1.0, Window.open(4), is_out=True))
    assert [others_back(states, place, 10.0) for place in (0, 1, 3)] == [60.0, 0.0, 0.0]
    assert others_back(states[1:], 1, 10.0) == 3590.0
    assert others_back(states[:1], 0, 10.0) == math.inf


def test_a_try_says_how_long_it_took():
    async def work():
        async with serving(BadServer(问=["500"])) as url:
            transport = HttpTransport(TeacherConfig(base_url=url))
            with pytest.raises(FailedAttemptError) as caught:
                await transport.attempt(ask("问"))
            await transport.close()
            return caught.value.took

    assert 0.004 < asyncio.run(work()) < 60


def test_an_hour_at_one_server_is_none_where_another_helps(tmp_path):
    async def work():
        async with serving(BadServer(问=[HOUR])) as one, serving(BadServer()) as two:
            endpoints = [{"base_url": one}, {"base_url": two}]
            async with client_of(tmp_path, endpoints=endpoints) as (client, _):
                assert await client.complete(ask("问")) == ChatReply("好", 2, 1)

    asyncio.run(work())


def test_overload_lasts_no_longer_than_a_call_may_take(tmp_path):
    async def work():
        server = BadServer(坏=[(429, {}, {})] * 99)
        limits = {"timeout_s": 0.2, "call_s": 0.2, "attempts": 2}
        async with served(server, tmp_path, **limits) as (client, _):
            bad, fine = await client.complete_many([ask("坏"), ask("好")])
        assert (bad.kind, fine) == ("rate_limited", ChatReply("好", 2, 1))
        assert 2 < len(server.seen) < 30

    asyncio.run(work())


def test_fields_are_added_and_left_out_and_samples_stay_apart(tmp_path):
    async def work():
        server = BadServer()
        settings = {
            "omit": ("seed", "max_tokens"),
            "extra_body": {"max_completion_tokens": 9, "temperature": 1},
        }
        async with served(server, tmp_path, **settings) as (client, _):
            await client.complete_many([ask("问", sample) for sample in (1, 2)])
            assert (await client.complete(ask("问", 1))).cached
        assert server.bodies == [
            {"model": "m", "messages": [{"role": "user", "content": "问"}], "temperature": 1,
             "max_completion_tokens": 9},
        ] * 2  # fmt: skip
        async with served(server, tmp_path) as (client, _):
            assert not (await client.complete(ask("问", 1))).cached  # another body is another call

    asyncio.run(work())


def test_a_refused_field_after_answers_is_a_failure_of_its_own_call(tmp_path):
    async def work():
        server = BadServer(坏=[NO_SEED])
        async with served(server, tmp_path) as (client, _):
            await client.complete(ask("好"))
            bad = await client.complete(ask("坏"))
        assert (bad.kind, server.seen.count("坏")) == ("refused", 1)
        assert "teacher.omit=[seed]" in bad.message

    asyncio.run(work())


def test_a_usage_that_makes_no_sense_costs_no_reply(tmp_path):
    odd = {
        "choices": [{"message": {"content": "好"}}],
        "usage": {"prompt_tokens": "n/a", "completion_tokens": [1]},
    }

    async def work():
        async with served(BadServer(问=[(200, {}, odd)]), tmp_path) as (client, _):
            assert await client.complete(ask("问")) == ChatReply("好", 0, 0)

    asyncio.run(work())


def test_a_stage_whose_time_is_up_ends_with_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(client_module, "DRAIN_S", 0.01)

    async def work():
        async with served(BadServer(慢=["hang"], 急=["503"]), tmp_path) as (client, _):
            client.limit_stage(0.05)
            slow = asyncio.ensure_future(client.complete(ask("慢")))
            for text in ("急", "后"):
                with pytest.raises(BudgetError, match=r"raise teacher\.stage_s and run again"):
                    await asyncio.wait_for(client.complete(ask(text)), 20)
            assert not slow.done()  # what was sent may still land
        await asyncio.wait([slow])

    asyncio.run(work())


def test_the_users_own_limit_of_a_stage_goes_before(tmp_path):
    async def work():
        async with served(BadServer(), tmp_path, stage_s=300.0) as (client, _):
            client.limit_stage(0.0)
            await client.complete(ask("问"))
            loop = asyncio.get_running_loop()
            return client._alarm.when() - loop.time()

    assert 200 < asyncio.run(work()) <= 300


def environment(monkeypatch, **given):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(
    ("given", "address", "proxy"),
    [
        ({}, "https://x.org/v1", Proxy()),
        ({"HTTPS_PROXY": "http://p:3128"}, "https://x.org/v1", Proxy("http://p:3128")),
        ({"https_proxy": "p:3128"}, "https://x.org/v1", Proxy("http://p:3128")),
        ({"HTTP_PROXY": "http://p"}, "http://x.org/v1", Proxy("http://p:80")),
        ({"HTTPS_PROXY": "http://p:1"}, "http://x.org/v1", Proxy()),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.net,x.org"}, "https://api.x.org/v1", Proxy()),
        ({"HTTP_PROXY": "http://p:1"}, "http://127.0.0.1:8000/v1", Proxy()),
        ({"HTTP_PROXY": "http://p:1"}, "http://localhost/v1", Proxy()),
        ({"HTTPS_PROXY": "http://me:p%40ss@p:1"}, "https://x.org", Proxy("http://p:1", {}, {
            "Proxy-Authorization": "Basic bWU6cEBzcw=="})),
        ({"HTTP_PROXY": "http://me@p:1"}, "http://x.org", Proxy("http://p:1", {
            "Proxy-Authorization": "Basic bWU6"})),
        ({"HTTPS_PROXY": "http://[::1]:1"}, "https://x.org", Proxy("http://[::1]:1")),
    ],
)  # fmt: skip
def test_proxies_of_the_environment(given, address, proxy, monkeypatch):
    environment(monkeypatch, **given)
    assert proxy_for(address) == proxy


@pytest.mark.parametrize("given", ["socks5://me:secret@p:1", "https://p:1", "http://p:99999", "http://"])
def test_a_proxy_that_cannot_be_used_is_named_without_its_password(given, monkeypatch):
    environment(monkeypatch, HTTPS_PROXY=given)
    with pytest.raises(TeacherError, match=r"HTTPS_PROXY names .* for https://x\.org; .*NO_PROXY") as caught:
        proxy_for("https://x.org")
    assert "secret" not in str(caught.value)


def test_calls_go_through_the_proxy(monkeypatch):
    asked = []

    async def handle(request):
        asked.append((str(request.url), request.headers.get("Proxy-Authorization")))
        return web.json_response({"choices": [{"message": {"content": "好"}}]})

    async def work():
        runner = web.ServerRunner(web.Server(handle))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        environment(monkeypatch, HTTP_PROXY=f"http://me:pw@127.0.0.1:{runner.addresses[0][1]}")
        transport = HttpTransport(TeacherConfig(base_url="http://far.example/v1"))
        try:
            return await transport.attempt(ask("问"))
        finally:
            await transport.close()
            await runner.cleanup()

    assert asyncio.run(work()).reply.text == "好"
    ((url, auth),) = asked
    assert url == "http://far.example/v1/chat/completions"
    assert auth == "Basic bWU6cHc="


def test_a_body_without_changes_has_the_key_it_always_had():
    one = ask("问", 3)
    assert one.changed({}, ()) is one
    other = one.changed({"top_k": 3}, ())
    assert other.changed({"top_p": 1}, ()).extra == '{"top_k": 3, "top_p": 1}'
    assert json.loads(other.body())["top_k"] == 3
    assert len({one.key(), other.key(), one.changed({}, ("seed",)).key()}) == 3
    seeded = [ask("问", sample).changed({"seed": 1}, ()) for sample in (1, 2)]
    assert seeded[0].body() == seeded[1].body()
    assert seeded[0].key() != seeded[1].key()


def test_a_budget_counts_on_the_longest_reply_that_is_asked_for():
    one = ask("问")
    assert most_tokens(one)[1] == 16
    assert (
        most_tokens(one.changed({"max_completion_tokens": 99, "max_tokens": "x"}, ("max_tokens",)))[1] == 99
    )
    assert most_tokens(one.changed({"max_tokens": 50}, ()))[1] == 50
    assert most_tokens(one.changed({"top_k": 5}, ()))[1] == 16
