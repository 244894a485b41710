"""The real client over real HTTP against servers that send whatever they like.

Whatever comes, a call ends in a reply, a named failure or the one line that ends a stage; within its time and
bounded memory, and without the key that the server was sent.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

import pytest
from bad_server import client_of
from hostile_server import ENDS, Hostility, hostile
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from psyche_rl.errors import BudgetError, TeacherError
from psyche_rl.llm import CallFailure, ChatReply, ChatRequest

KEY = "planted/Key+9-of_the.test"
CALL_S, TIMEOUT_S = 0.3, 0.15
KINDS = {
    "unreachable", "timeout", "connection", "rate_limited", "unavailable", "server_error", "bad_body",
    "refused", "length", "content_filter", "refusal",
}  # fmt: skip


def gone_through(act: Hostility) -> tuple[list[object], bytes, float]:
    """What two calls end in, all that is on disk then, and the seconds that they took."""

    async def work(folder: Path) -> list[object]:
        ends: list[object] = []
        limits = {"timeout_s": TIMEOUT_S, "call_s": CALL_S, "attempts": 2, "max_in_flight": 2}
        async with (
            hostile(act) as url,
            client_of(folder, base_url=url, api_key_env="K", **limits) as (client, _),
        ):
            for text in "一二":
                try:
                    ends.append(await client.complete(ChatRequest("m", (("user", text),), 0.0, 16)))
                except (TeacherError, BudgetError) as error:
                    ends.append(error)
            ends.append(client.notices())
        return ends

    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, patch.dict(os.environ, {"K": KEY}):
        ends = asyncio.run(work(Path(folder)))
        walked = b"".join(path.read_bytes() for path in Path(folder).iterdir())
        return ends, walked, time.monotonic() - begun


def check(act: Hostility) -> list[object]:
    ends, walked, took = gone_through(act)
    for end in ends[:2]:
        assert isinstance(end, ChatReply | CallFailure | TeacherError | BudgetError)
        assert not isinstance(end, CallFailure) or end.kind in KINDS
        assert "\n" not in (str(end) if isinstance(end, Exception) else "")
        if isinstance(end, ChatReply):
            assert 0 <= end.prompt_tokens <= 10**8
            end.text.encode()
    said = "".join(f"{end!r}{end}" for end in ends)
    assert "planted" not in said
    assert b"planted" not in walked
    assert took < 2 * (2 * CALL_S + 2 * TIMEOUT_S) + 5  # that a machine may be busy for
    return ends


def http(status: int | str, headers: dict[str, str], body: bytes, length: int | None = None) -> bytes:
    fields = {"Content-Type": "application/json", "Content-Length": len(body) if length is None else length}
    lines = "".join(f"{name}: {value}\r\n" for name, value in {**fields, **headers}.items())
    return f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode("utf-8", "surrogateescape") + body


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.sampled_from([-1, 10**400, 1e308, float("nan"), float("inf"), "\ud83d", KEY, "", "stop", "9" * 5000])
    | st.text(max_size=20).map(lambda text: f"{text}{KEY}"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["text", "type", KEY]), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def completions(draw: st.DrawFn) -> bytes:
    """Something like a chat completion, with fields that are not what they should be."""
    message = {"role": "assistant", "content": f"好{KEY}"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 2, "completion_tokens": 1}
    tree = {"choices": [choice], "usage": usage, "error": {}}
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.sampled_from([message, choice, usage, tree]))
        place[draw(st.sampled_from([*place, "reasoning_content", "refusal"]))] = draw(VALUES)
    try:
        return json.dumps(tree).encode()
    except (ValueError, UnicodeError):
        return b"{}"


BODIES = st.one_of(
    completions(),
    completions().flatmap(lambda body: st.integers(0, len(body)).map(lambda end: body[:end])),
    st.binary(max_size=50).map(lambda noise: noise + KEY.encode() + noise),
    st.sampled_from([
        b"[" * 100_000, b'{"choices":' * 5000, b"[" + b"{}," * 300_000 + b"{}]", b"<html>" + KEY.encode(),
        json.dumps({"error": {"message": "y" * 180 + KEY}}).encode(), b"", b'"' + b"\\" * 99_999,
        b"9" * 100_000,
    ]),
)  # fmt: skip
PAUSES = [
    "0",
    "0.01",
    "-1",
    "1e9",
    "inf",
    "nan",
    "9" * 400,
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "86399",
    KEY,
    "0x10",
]
HEADERS = st.dictionaries(
    st.sampled_from(["Retry-After", "Content-Encoding", "Transfer-Encoding", "Set-Cookie", "Location", "X"]),
    st.sampled_from(
        [*PAUSES, "gzip", "deflate", "br", "chunked", f"a={KEY};\x7f", f"http://{KEY}@b/", "x" * 9000]
    ),
    max_size=3,
)
STATUSES = st.sampled_from(
    [200, 200, 200, 204, 206, 302, 308, 400, 401, 402, 404, 422, 429, 500, 503, 599, 999, "OK", 101]
)


@st.composite
def hostilities(draw: st.DrawFn) -> Hostility:
    body, headers = draw(BODIES), draw(HEADERS)
    if headers.get("Content-Encoding") == "gzip" and draw(st.booleans()):
        body = gzip.compress(body)
    length = draw(st.none() | st.sampled_from([0, 1, 10**6, -1]))
    raw = http(draw(STATUSES), headers, body, length)
    cut = draw(st.integers(0, len(raw)))
    going_on = b"HTTP/1.1 100 C\r\n\r\n" * 50
    pieces = draw(st.sampled_from([(raw,), (raw[:cut],), (raw[:cut], raw[cut:]), (going_on, raw)]))
    return Hostility(pieces, draw(st.sampled_from(ENDS)), draw(st.sampled_from([0.0, 0.01])))


NEGATIVE_COUNT = json.dumps(
    {"choices": [{"message": {"content": "好"}}], "usage": {"prompt_tokens": -5}}
).encode()


ALL_BUT_SHRINKING = [Phase.explicit, Phase.generate]


@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    phases=ALL_BUT_SHRINKING,
)
@given(hostilities())
@example(Hostility((http(429, {"Retry-After": "1e9"}, b""),)))
@example(Hostility((http(200, {}, NEGATIVE_COUNT),)))
def test_whatever_a_server_sends_a_call_ends_well(act):
    check(act)


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(hostilities())
def test_whatever_a_server_sends_a_call_ends_well_many_times(act):
    check(act)


BOMB = gzip.compress(b" " * (32 << 20), 1)
BIG = 200 << 20


@pytest.mark.parametrize("status", [200, 500])
def test_a_packed_bomb_is_a_named_failure_in_little_memory(status):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ends = check(Hostility((http(status, {"Content-Encoding": "gzip"}, BOMB),)))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10
    assert grown < 24 << 20 or sys.platform != "linux"
    assert {end.kind for end in ends[:2]} == {"bad_body" if status == 200 else "server_error"}


@pytest.mark.slow
def test_a_body_without_an_end_is_left_when_it_is_larger_than_any_reply():
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ends = check(Hostility((head, *[b" " * (1 << 20)] * (BIG >> 20))))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10
    assert grown < 64 << 20
    assert {end.kind for end in ends[:2]} <= {"bad_body", "timeout"}
