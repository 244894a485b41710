"""A key that a server repeats, in every place in which it can: neither on disk nor in any message."""

from __future__ import annotations

import asyncio

import pytest
from bad_server import BadServer, client_of, serving

from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.errors import TeacherError
from psyche_rl.events import Events
from psyche_rl.llm import ChatRequest, probe
from psyche_rl.store import RunStore

KEY = "planted/Key+9-of_the.test"
GOOD = {
    "id": "c",
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "好",
                "reasoning_content": "想",
                "tool_calls": [{"id": "t"}],
            },
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 2, "completion_tokens": 1},
}
ERROR = {
    "error": {"message": "no", "param": "p", "code": "c"},
    "detail": [{"loc": ["body", "x"]}],
}
STATUSES = (302, 400, 401, 402, 404, 408, 422, 429, 500, 503)


def asked(text):
    return ChatRequest("m", (("user", text),), 0.0, 16)


def planted(tree):
    """Copies of a tree with the key in one place each: around every text, as every name."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            yield from ({**tree, name: other} for other in planted(value))
        yield {KEY: 1, **tree}
    elif isinstance(tree, list):
        for place, value in enumerate(tree):
            yield from ([*tree[:place], other, *tree[place + 1 :]] for other in planted(value))
    else:
        yield f"{'y' * 180}{KEY} {tree}"


def acts():
    yield from ((200, {}, body) for body in planted(GOOD))
    refusal = {**GOOD["choices"][0], "message": {"refusal": KEY, "content": None}}
    yield 200, {}, {"choices": [refusal]}
    yield 200, {}, {"choices": [{**GOOD["choices"][0], "finish_reason": "length"}], "x": KEY}
    for status in STATUSES:
        yield from ((status, {}, body) for body in planted(ERROR))
        yield status, {}, "y" * 190 + KEY
        yield (
            status,
            {"Retry-After": KEY, "Location": f"http://{KEY}@a/", "Set-Cookie": f"a={KEY}"},
            {},
        )
    yield 200, {"Content-Encoding": KEY, KEY.replace("/", ""): KEY}, GOOD
    yield 200, {}, f"{KEY} is no completion"


def test_a_key_is_nowhere_whatever_a_server_repeats(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("OF_ITS_OWN", KEY)
    events, told = Events(RunStore(str(tmp_path))), []

    async def tell(calls):
        """The ends of calls, each said to everybody who writes."""
        for end in await asyncio.gather(*calls, return_exceptions=True):
            assert not isinstance(end, Exception) or isinstance(end, TeacherError)
            events.say("call", end=end)
            told.append(f"{end!r}{end}")

    async def work():
        server = BadServer(**{str(number): [act] for number, act in enumerate(acts())})
        settings = {"api_key_env": "OF_ITS_OWN", "attempts": 1, "call_s": 10}
        async with serving(server) as url:
            for fatal in (False, True):  # an empty account ends everything
                numbers = [n for n, act in enumerate(acts()) if (act[0] == 402) == fatal]
                async with client_of(tmp_path, base_url=url, **settings) as (client, _):
                    await client.complete(ChatRequest("m", (("user", "先"),), 0.0, 16))
                    await tell(
                        client.complete(ChatRequest("m", (("user", f"{n}"),), 0.0, 16)) for n in numbers
                    )
                    told.extend(client.notices())
        assert all(headers["Authorization"] == f"Bearer {KEY}" for headers in server.headers)

    asyncio.run(work())
    events.flush()
    walked = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    said = capfd.readouterr()
    for text in (*walked, *(text.encode() for text in (*told, said.out, said.err))):
        assert b"planted" not in text
    assert sum("***" in text for text in told) > 30


@pytest.mark.parametrize("key", ["sk-broken\n-line1234", "sk-ü-planted1234", "sk-\x00planted"])
def test_a_key_that_no_header_takes_is_told_by_its_variable(key, monkeypatch):
    monkeypatch.setattr("os.environ", {"K": key})
    with pytest.raises(TeacherError, match="variable K holds what no key is") as caught:
        asyncio.run(probe(TeacherConfig(base_url="http://127.0.0.1:9/v1", api_key_env="K")))
    assert "sk-" not in str(caught.value)


def test_the_blank_at_the_end_of_a_key_file_is_no_part_of_the_key(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\n")

    async def work():
        server = BadServer()
        async with serving(server) as url, client_of(tmp_path, base_url=url) as (client, _):
            await client.complete(asked("问"))
        assert server.headers[0]["Authorization"] == f"Bearer {KEY}"

    asyncio.run(work())
