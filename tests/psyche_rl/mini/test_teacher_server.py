"""Every fault as a client meets it, and what the log says of it; tokens; forms of the reply."""

import asyncio
import io
import json

import aiohttp
import pytest
from aiohttp import web

from psyche_rl.mini.teacher import TeacherFlaws
from psyche_rl.mini.teacher.arrival_log import ArrivalLog
from psyche_rl.mini.teacher.faults import ALL_FAULTS, FaultPlan
from psyche_rl.mini.teacher.server import TeacherServer
from psyche_rl.serving import Address

PASSAGE = "睡眠由两种状态组成，交替出现。长期缺觉会损害记忆。午后少喝咖啡有助于入睡。"
QUESTIONS = f"请命制 1 道单选题。\n【材料】\n{PASSAGE}\n【材料结束】"
HELLO = "你好"
TOKEN = "a-token-of-the-test"
NO_FAULTS = FaultPlan()


def chat(text, **extra):
    return {"model": "x", "messages": [{"role": "user", "content": text}], **extra}


def talk(bodies, plan=NO_FAULTS, token=None, send=None, timeout_s=20.0):
    """POST ``bodies`` one after the other; [(status or error name, headers, text)] and the log's lines."""

    async def one(session, url, body):
        try:
            kind = {"Content-Type": "application/json"}
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            async with session.post(url, data=data, headers=kind | (send or {})) as response:
                return response.status, response.headers, (await response.read()).decode("utf-8", "replace")
        except (aiohttp.ClientError, TimeoutError) as error:
            return type(error).__name__, {}, ""

    async def main():
        log = io.StringIO()
        server = TeacherServer(TeacherFlaws(), 0, ArrivalLog(log), plan, Address(token=token))
        runner = web.AppRunner(server.app(), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1/chat/completions"
        try:
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout_s)) as session:
                replies = [await one(session, url, body) for body in bodies]
            await asyncio.sleep(0.2)  # until a hanging handler has seen that its client is gone
        finally:
            await runner.cleanup()
        return replies, [json.loads(line) for line in log.getvalue().splitlines()]

    return asyncio.run(main())


def content(text):
    return json.loads(text)["choices"][0]["message"]["content"]


@pytest.mark.parametrize("fault", ALL_FAULTS)
def test_a_fault_is_what_its_name_says_and_is_logged(fault):
    plan = FaultPlan(1.0, (fault,), retry_after_s=2, hang_s=60)
    [(status, headers, text)], lines = talk([chat(QUESTIONS)], plan, timeout_s=0.3)
    assert [line["fault"] for line in lines] == [None, fault]
    assert [line["event"] for line in lines] == ["received", lines[1]["event"]]
    assert lines[1]["event"] == ("dropped" if fault in ("closed", "hang") else "sent")
    assert lines[1]["status"] == (status if lines[1]["event"] == "sent" else None)
    match fault:
        case "rate_limited":
            assert (status, headers["Retry-After"]) == (429, "2")
        case "rate_limited_bare":
            assert status == 429
            assert "Retry-After" not in headers
        case "server_error":
            assert status == 500
        case "closed":
            assert status in ("ServerDisconnectedError", "ClientOSError")
        case "hang":
            assert status.endswith("TimeoutError")
        case "cut_json" | "malformed_json":
            assert status == 200
            assert "choices" in text
            with pytest.raises(ValueError, match=r"."):
                json.loads(text)
        case "html_200" | "html_502":
            assert status == int(fault[-3:])
            assert headers["Content-Type"].startswith("text/html")
            assert "<html" in text
        case "wrong_fields":
            assert status == 200
            assert "choices" not in json.loads(text)
        case "empty":
            assert (status, content(text)) == (200, "")
        case "reply_cut" | "reply_malformed":
            with pytest.raises(ValueError, match=r"."):
                json.loads(content(text))
        case "reply_wrong_fields":
            assert "stem" not in json.loads(content(text))[0]


def test_a_hang_ends_by_itself_for_a_client_that_stays():
    [(status, _, _)], lines = talk([chat(HELLO)], FaultPlan(1.0, ("hang",), hang_s=0.1))
    assert status in ("ServerDisconnectedError", "ClientOSError")
    assert [line["event"] for line in lines] == ["received", "dropped"]


def test_a_retry_gets_through_and_is_answered_as_if_nothing_had_been():
    plan = FaultPlan(0.5, ("server_error", "cut_json", "empty"))
    replies, lines = talk([chat(QUESTIONS)] * 12, plan)
    ends = lines[1::2]
    assert [line["attempt"] for line in ends] == list(range(12))
    good = [content(text) for (_, _, text), line in zip(replies, ends, strict=True) if not line["fault"]]
    assert 0 < len(good) < 12
    [(_, _, alone)], _ = talk([chat(QUESTIONS)])
    assert set(good) == {content(alone)}


def test_a_client_that_left_did_not_get_its_reply():
    async def main():
        log = io.StringIO()
        server = TeacherServer(TeacherFlaws(latency_ms=300), 0, ArrivalLog(log), FaultPlan())
        runner = web.AppRunner(server.app(), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        _, writer = await asyncio.open_connection("127.0.0.1", runner.addresses[0][1])
        body = json.dumps(chat(HELLO)).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n"
        head += "Content-Type: application/json\r\n\r\n"
        writer.write(head.encode() + body)
        while not log.getvalue():
            await asyncio.sleep(0.01)
        writer.transport.abort()
        await asyncio.sleep(0.6)
        await runner.cleanup()
        return [json.loads(line) for line in log.getvalue().splitlines()]

    lines = asyncio.run(main())
    assert [(line["event"], line["status"]) for line in lines] == [("received", None), ("gone", None)]


def test_with_a_token_only_its_bearers_are_served():
    for header, expected in (
        ({}, 401),
        ({"Authorization": "Bearer no"}, 401),
        ({"Authorization": f"Bearer {TOKEN}"}, 200),
    ):
        [(status, _, _)], lines = talk([chat(HELLO)], token=TOKEN, send=header)
        assert status == expected
        assert bool(lines) == (expected == 200)


def test_without_a_token_it_answers_to_its_own_names_only():
    [(status, _, said)], lines = talk([chat(HELLO)], send={"Host": "evil.example:80"})
    assert (status, lines) == (400, [])
    assert "not called by a name of this machine's own" in said
    [(status, _, _)], _ = talk(
        [chat(HELLO)], token=TOKEN, send={"Host": "proxy", "Authorization": f"Bearer {TOKEN}"}
    )
    assert status == 200


def test_a_body_over_the_limit_is_refused_before_it_is_read():
    [(status, _, said)], lines = talk([chat("长" * (6 << 20))])
    assert (status, lines) == (413, [])
    assert json.loads(said)["error"]["message"].startswith("the body is larger than")


def test_a_json_schema_is_kept_to_and_holds_the_reply():
    row = {
        "type": "object",
        "properties": {
            "stem": {"type": "string"},
            "options": {"type": "array", "items": {"type": "string"}, "minItems": 4, "maxItems": 4},
            "gold": {"type": "string"},
            "level": {"enum": ["easy", "hard"]},
        },
        "required": ["stem", "options", "gold", "level"],
        "additionalProperties": False,
    }
    schema = {
        "type": "object",
        "properties": {"questions": {"type": "array", "items": {"$ref": "#/$defs/Row"}}},
        "required": ["questions"],
        "$defs": {"Row": row},
    }
    asked = chat(
        QUESTIONS, response_format={"type": "json_schema", "json_schema": {"name": "q", "schema": schema}}
    )
    unknown = chat(HELLO, response_format={"type": "json_object"})
    [(_, _, fitted), (_, _, loose), (_, _, plain)], _ = talk([asked, unknown, chat(QUESTIONS)])
    [made] = json.loads(content(fitted))["questions"]
    [free] = json.loads(content(plain).removeprefix("```json").removesuffix("```"))
    assert made == {
        "stem": free["stem"],
        "options": list(free["options"].values()),
        "gold": free["gold"],
        "level": "easy",
    }
    assert isinstance(json.loads(content(loose)), dict)


def schema(wanted):
    form = {"type": "json_schema", "json_schema": {"name": "q", "schema": wanted}}
    return json.dumps(chat(HELLO, response_format=form)).encode()


def test_bodies_that_no_parser_should_see_are_refused_and_no_defect():
    plain = json.dumps(chat(HELLO, seed=1)).encode()
    hostile = {
        b"[" * 100_000 + b"]" * 100_000: 422,
        b"[" + b"1," * 300_000 + b"1]": 413,
        plain.replace(b"1", b"NaN"): 400,
        plain.replace(b"1", b"1e999"): 400,
        plain.replace(b"1", b"9" * 5000): 400,
        plain.replace(b'"x"', b'"\\ud800"'): 400,
        b"": 400,
        schema({"type": "object", "properties": 3}): 400,
        schema({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}): 200,
        schema({"type": "array", "minItems": 10**9, "items": {"type": "string", "minLength": 10**12}}): 200,
    }
    replies, _ = talk(hostile)
    assert [status for status, _, _ in replies] == list(hostile.values())
    assert all(len(text) < 4_000_000 for _, _, text in replies)
    [(status, _, _)], lines = talk([plain], send={"Content-Type": "text/plain"})
    assert (status, lines) == (415, [])
