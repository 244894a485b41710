"""Several endpoints, adaptive requests in flight, Retry-After, schemas, budgets: through real servers."""

import asyncio
import json
import time

import pytest
from bad_server import BadServer, client_of, good, served, serving

from psyche_rl.errors import BudgetError, TeacherError
from psyche_rl.llm import CallFailure, ChatReply, ChatRequest
from psyche_rl.llm.call_log import CallLog

SCHEMA = json.dumps({"name": "Answer", "schema": {"type": "object"}, "strict": True})


def ask(text, schema=None, most=16):
    return ChatRequest("m", (("user", text),), 0.0, most, schema=schema)


class Narrow(BadServer):
    """Takes so many requests at once and says 429 to the rest."""

    def __init__(self, width):
        super().__init__()
        self.width, self.refused = width, 0

    async def perform(self, act, request):
        if self.now > self.width:
            self.refused += 1
            return await super().perform("429", request)
        await asyncio.sleep(0.01)
        return good()


class Plain(BadServer):
    """Knows no response_format."""

    async def perform(self, act, request):
        return await super().perform("400" if "response_format" in self.bodies[-1] else act, request)


def test_requests_in_flight_fall_to_what_a_server_takes(tmp_path):
    async def work():
        server = Narrow(4)
        async with served(server, tmp_path, max_in_flight=32, attempts=20) as (client, _):
            results = await client.complete_many([ask(f"问{i}") for i in range(150)])
            assert all(isinstance(r, ChatReply) for r in results)
            assert client._transport._states[0].window.limit < 16
            assert 28 <= server.refused < 250

    asyncio.run(work())


def test_a_server_that_asks_for_a_pause_gets_one_from_all_calls(tmp_path):
    async def work():
        server, times = BadServer(先=["503"]), []
        perform = server.perform

        async def timed(act, request):
            times.append(time.monotonic())
            return await perform(act, request)

        server.perform = timed
        async with served(server, tmp_path, max_in_flight=1) as (client, _):
            client._places = asyncio.Semaphore(9)  # the second call could go out at once
            await client.complete_many([ask("先"), ask("后")])
        assert times[1] - times[0] >= 0.19  # Retry-After: 0.2
        assert len(times) == 3

    asyncio.run(work())


def test_calls_are_spread_by_weight_and_under_each_servers_model_name(tmp_path):
    async def work():
        one, two = BadServer(), BadServer()
        async with serving(one) as first, serving(two) as second:
            endpoints = [{"base_url": first, "weight": 3}, {"base_url": second, "model": "mm"}]
            async with client_of(tmp_path, endpoints=endpoints, max_in_flight=8) as (client, _):
                await client.complete_many([ask(f"问{i}") for i in range(80)])
        assert len(one.seen) > 1.5 * len(two.seen) > 0
        assert {b["model"] for b in one.bodies} == {"m"}
        assert {b["model"] for b in two.bodies} == {"mm"}

    asyncio.run(work())


def test_others_take_over_at_once_from_an_endpoint_that_is_gone_or_says_no(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")

    async def work():
        well, locked = BadServer(), BadServer(**{f"问{i}": ["401"] * 9 for i in range(30)})
        async with serving(well) as here, serving(locked) as closed:
            urls = ("http://127.0.0.1:9/v1", closed, here)
            endpoints = [{"base_url": url} for url in urls]
            async with client_of(tmp_path, endpoints=endpoints, max_in_flight=8) as (client, _):
                client._backoff = lambda _: 60.0  # never waited for
                results = await asyncio.wait_for(client.complete_many([ask(f"问{i}") for i in range(30)]), 20)
        assert all(isinstance(r, ChatReply) for r in results)
        assert len(well.seen) == 30
        assert 1 <= len(locked.seen) <= 8  # what was in flight before it was known

    asyncio.run(work())


def test_where_every_endpoint_says_no_it_is_one_line(tmp_path):
    async def work():
        locked = [BadServer(问=["401"] * 9), BadServer(问=["404"] * 9)]
        async with serving(locked[0]) as one, serving(locked[1]) as two:
            endpoints = [{"base_url": one}, {"base_url": two, "model": "odd"}]
            async with client_of(tmp_path, endpoints=endpoints) as (client, _):
                with pytest.raises(TeacherError, match=r"'odd'"):
                    await client.complete(ask("问"))

    asyncio.run(work())


def test_a_schema_goes_to_a_server_that_takes_it(tmp_path):
    async def work():
        server = BadServer()
        async with served(server, tmp_path) as (client, _):
            await client.complete(ask("问", SCHEMA))
        assert server.bodies[0]["response_format"]["json_schema"] == json.loads(SCHEMA)

    asyncio.run(work())


def test_a_server_that_refuses_the_schema_is_asked_without_it_from_then_on(tmp_path):
    async def work():
        server = Plain()
        async with served(server, tmp_path) as (client, cache):
            for text in ("一", "二"):
                assert isinstance(await client.complete(ask(text, SCHEMA)), ChatReply)
            assert ["response_format" in b for b in server.bodies] == [True, False, False]
            assert cache.get(ask("二", SCHEMA)).cached  # found again under the call as it was meant
            assert cache.get(ask("二")) is None

    asyncio.run(work())


def test_a_call_refused_with_and_without_schema_says_nothing_about_schemas(tmp_path):
    async def work():
        server = BadServer(长=["400", "400"])
        async with served(server, tmp_path) as (client, _):
            assert (await client.complete(ask("长", SCHEMA))).kind == "refused"
            await client.complete(ask("短", SCHEMA))
        assert "response_format" in server.bodies[-1]

    asyncio.run(work())


@pytest.mark.parametrize(("setting", "sent"), [("on", [True]), ("off", [False])])
def test_the_setting_stands_where_it_is_not_auto(setting, sent, tmp_path):
    async def work():
        server = Plain()
        async with served(server, tmp_path, structured_output=setting) as (client, _):
            result = await client.complete(ask("问", SCHEMA))
        assert isinstance(result, CallFailure) == (setting == "on")
        assert ["response_format" in b for b in server.bodies] == sent

    asyncio.run(work())


def test_a_budget_stops_with_one_line_and_goes_on_when_it_is_raised(tmp_path):
    async def work():
        server, requests = BadServer(), [ask(f"问{i}", most=2) for i in range(30)]
        async with served(server, tmp_path, budget={"tokens": 60}, max_in_flight=4) as (client, cache):
            with pytest.raises(BudgetError, match="finished calls are kept") as caught:
                await client.complete_many(requests)
            assert "\n" not in str(caught.value)
            paid = len(server.seen)
            assert len(cache) == paid  # nothing that was sent is lost
            assert 3 * paid <= 60  # a reply takes three tokens
            assert 60 - 3 * paid < 30  # and no more is left than one call might have taken
            with pytest.raises(BudgetError):
                await client.complete(ask("别的"))
        async with served(server, tmp_path, budget={"tokens": 200}) as (client, _):
            results = await client.complete_many(requests)
        assert sum(r.cached for r in results) == paid
        assert len(server.seen) == 30

    asyncio.run(work())


def test_failed_calls_are_on_record_and_tried_again(tmp_path):
    async def work():
        server = BadServer(坏=["500"] * 4)
        async with served(server, tmp_path) as (client, _):
            assert isinstance(await client.complete(ask("坏"), "synth.questions"), CallFailure)
            assert isinstance(await client.complete(ask("坏"), "synth.questions"), ChatReply)

    asyncio.run(work())
    log = CallLog(tmp_path / "calls.sqlite")
    bad, fine = log.calls()
    assert (bad.status, bad.attempts, bad.stage) == ("server_error", 4, "synth.questions")
    assert (fine.status, fine.attempts) == ("ok", 1)
    assert bad.endpoint.startswith("http://127.0.0.1:")
    assert log.whole(1).request["messages"][0]["content"] == "坏"


def test_a_key_that_a_server_repeats_is_not_on_record(tmp_path, monkeypatch):
    monkeypatch.setenv("MY_KEY", "sk-very-secret")

    async def work():
        server = BadServer(问=["echo key"])
        async with served(server, tmp_path, api_key_env="MY_KEY") as (client, _):
            failure = await client.complete(ask("问"))
            assert "***" in failure.message
        assert server.headers[0]["Authorization"] == "Bearer sk-very-secret"

    asyncio.run(work())
    assert b"very-secret" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_calls_in_flight_land_before_the_client_closes(tmp_path):
    async def work():
        server = BadServer()
        async with served(server, tmp_path) as (client, cache):
            running = asyncio.ensure_future(client.complete(ask("问")))
            while not server.seen:
                await asyncio.sleep(0.001)
            await client.close()
            assert isinstance(await running, ChatReply)
            assert len(cache) == 1

    asyncio.run(work())
