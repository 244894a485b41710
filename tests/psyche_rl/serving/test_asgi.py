"""What stands before an app: bodies in time and in bounds, defects without what was sent, heads in time."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest
from pydantic import BaseModel, Field

from psyche_rl.json_shape import JsonShape, TooManyValuesError
from psyche_rl.serving import RequestLimits, asgi
from psyche_rl.serving.asgi import Limited, http_server
from psyche_rl.serving.head_deadline import HeadDeadlines
from psyche_rl.serving.json_bodies import BadBodyError, read_body

LIMITS = RequestLimits(None, max_body=1000, request_s=20.0, body_s=0.02)
HEADERS = [(b"content-type", b"application/json"), (b"transfer-encoding", b"chunked")]


async def bad_app(scope, receive, send):
    raise ValueError(f"it said {(await receive())['body']!r}")


def asked(app, limits, *messages):
    """The status and text that a request gets whose body comes as ``messages``; then nothing comes."""

    async def story():
        waiting, sent = list(messages), []

        async def receive():
            return waiting.pop(0) if waiting else await asyncio.Event().wait()

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/x\n", "headers": HEADERS}
        await Limited(app, limits)(scope, receive, send)
        return sent[0]["status"], sent[1]["body"].decode()

    return asyncio.run(story())


def part(body, more=False):
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_that_does_not_come_is_not_waited_for():
    status, text = asked(bad_app, LIMITS, part(b"{", more=True))
    assert status == 408
    assert "has not come within 0.02 s" in text


def test_a_defect_is_answered_and_logged_without_what_was_sent(caplog):
    caplog.set_level(logging.ERROR)
    status, text = asked(bad_app, LIMITS, part(b'"planted"'))
    assert (status, "planted" in text, "planted" in caplog.text) == (500, False, False)
    assert "ValueError at " in caplog.text
    assert len(caplog.text.splitlines()) == 1


def test_all_bodies_together_have_a_limit(monkeypatch):
    monkeypatch.setattr(asgi, "BODIES_AT_A_TIME", 0.5)
    status, text = asked(bad_app, LIMITS, part(b'"' + b"x" * 600, more=True))
    assert (status, "try again" in text) == (503, True)


def test_a_connection_that_never_asks_is_closed_and_one_that_asks_is_not():
    async def story():
        async def app(scope, receive, send):
            await asyncio.sleep(0.3)  # longer than a head may take
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        server = http_server(app)
        with asgi_listener() as listener:
            task = asyncio.ensure_future(server.serve(sockets=[listener]))
            while not server.started:
                await asyncio.sleep(0.01)
            host, port = listener.getsockname()
            slow, never = await asyncio.open_connection(host, port)
            never.write(b"POST / HTTP/1.1\r\nX: ")
            good, writer = await asyncio.open_connection(host, port)
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            answered = await good.readline()
            assert await slow.read() == b""  # closed
            server.should_exit = True
            await task
            return answered

    assert asyncio.run(story()).startswith(b"HTTP/1.1 204")


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(asgi, "HeadDeadlines", lambda: HeadDeadlines(0.15))


def asgi_listener():
    from psyche_rl.serving import Address

    return Address().listen()


class Item(BaseModel):
    name: str


class Items(BaseModel):
    items: list[Item] = Field(min_length=1)


@pytest.mark.parametrize(
    ("body", "status", "line"),
    [
        (
            b'{"items": [{"name": 3}, {"name": 4}]}',
            422,
            "body.items.0.name: Input should be a valid string; and 1",
        ),
        (b'{"items": [{}, {}, {}]}', 413, "3 items in a request; at most 2"),
        (b'{"items": [{"name": "\\ud800"}]}', 422, "no JSON"),
        (b'{"items": NaN}', 422, "no JSON"),
        (b"\xff", 422, "no JSON"),
        (b"", 422, "no JSON"),
        (b"3", 422, "body: "),
    ],
)
def test_a_body_that_is_not_what_was_asked_for(body, status, line):
    with pytest.raises(BadBodyError) as caught:
        read_body(body, Items, "items", 2)
    assert (caught.value.status, line in str(caught.value)) == (status, True), str(caught.value)


def test_shapes_of_json():
    shape = JsonShape(most_values=50, most_depth=3)
    for good in (
        "[[[1]]]",
        "[" + "1," * 45 + "1]",
        json.dumps({"a": "[{,},\\" * 99}),
        '"\\\\"',
        "",
        "[[]],[]]",
    ):
        shape.check(good.encode())
    for many in ("[" + "1," * 60 + "1]", "[{}" * 60, '{"a":1' * 60):
        with pytest.raises(TooManyValuesError):
            shape.check(many.encode())
    for deep in ("[[[[1]]]]", '{"a":[{"b":["]"]}]}', "[[[[", '[[[["]]]]"'):
        with pytest.raises(ValueError, match="nested"):
            shape.check(deep.encode())
