"""Replies that did not end by themselves are failures of their own kind, kept and paid for once."""

import asyncio
import json
import sqlite3

import pytest

from psyche_rl.config.teacher import TeacherConfig
from psyche_rl.llm import CallCache, CallFailure, ChatClient, ChatReply, ChatRequest
from psyche_rl.llm.attempts import Answer, FailedAttemptError, Sent
from psyche_rl.llm.call_log import CallLog
from psyche_rl.llm.finish import answered, reason_of
from psyche_rl.llm.http_reply import reply_of

SENT = Sent(b"{}", "m", "http://a/v1")
HALF = "\ud83d"


def ask(text="问"):
    return ChatRequest("m", (("user", text),), 0.0, 16)


def body(message, reason="stop"):
    choice = {"message": message, "finish_reason": reason}
    usage = {"prompt_tokens": 3, "completion_tokens": 4}
    return json.dumps({"choices": [choice], "usage": usage}).encode()


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("stop", "stop"), (None, "stop"), ("", "stop"), ("eos_token", "stop"), ("end_turn", "stop"),
        ("STOP", "stop"), ("length", "length"), ("MAX_TOKENS", "length"), ("model_length", "length"),
        ("content_filter", "content_filter"), ("SAFETY", "content_filter"), ("refusal", "refusal"),
        ("tool_calls", None), ("error", None), ("abort", None), (3, None),
    ],
)  # fmt: skip
def test_servers_words_for_how_a_reply_ended(said, reason):
    assert reason_of(said) == reason


@pytest.mark.parametrize(
    ("message", "reason", "expected"),
    [
        ({"content": "好"}, "length", ChatReply("好", 3, 4, finish_reason="length")),
        ({"content": None}, "length", ChatReply("", 3, 4, finish_reason="length")),
        ({"content": ""}, "content_filter", ChatReply("", 3, 4, finish_reason="content_filter")),
        ({"content": None, "refusal": "不"}, "stop", ChatReply("不", 3, 4, finish_reason="refusal")),
        ({"content": "好", "refusal": None}, "stop", ChatReply("好", 3, 4)),
        ({"content": "好", "reasoning_content": "想"}, "stop", ChatReply("好", 3, 4, reasoning="想")),
        ({"content": "好", "reasoning": "想"}, "stop", ChatReply("好", 3, 4, reasoning="想")),
        ({"content": [{"type": "thinking", "thinking": "想"}, {"type": "text", "text": "好"}]}, "stop",
         ChatReply("好", 3, 4)),
    ],
)  # fmt: skip
def test_what_a_body_holds(message, reason, expected):
    assert reply_of(body(message, reason), SENT) == expected


@pytest.mark.parametrize(
    ("message", "reason", "why"),
    [
        ({"content": "", "reasoning_content": "想想"}, "stop", "no text, only 2 characters of reasoning"),
        ({"content": None}, "stop", "the reply holds no text"),
        ({"content": "好"}, "tool_calls", "finish_reason 'tool_calls'"),
    ],
)  # fmt: skip
def test_what_is_tried_again(message, reason, why):
    with pytest.raises(FailedAttemptError, match=why) as caught:
        reply_of(body(message, reason), SENT)
    assert caught.value.kind == "bad_body"


def test_only_a_reply_that_ended_by_itself_is_an_answer():
    assert answered(ChatReply("好", 3, 4)) == ChatReply("好", 3, 4)
    cut = answered(ChatReply("好", 3, 4, finish_reason="length"))
    assert cut == CallFailure(
        "length", "the reply was cut off after 4 tokens; raise teacher.max_tokens", "好"
    )
    assert answered(ChatReply("", 3, 4, finish_reason="content_filter")).kind == "content_filter"


class Replies:
    """Gives each prompt its reply; counts what is sent."""

    def __init__(self, **replies):
        self.replies, self.sent = replies, []

    async def attempt(self, request):
        text = request.messages[0][1]
        self.sent.append(text)
        return Answer(self.replies.get(text, ChatReply("好", 1, 1)), SENT)

    async def close(self):
        pass


def complete(tmp_path, transport, *texts):
    async def run():
        config = TeacherConfig(base_url="http://a/v1")
        asking = ChatClient(config, CallCache(tmp_path / "calls.sqlite"), transport=transport)
        results = await asking.complete_many([ask(text) for text in texts])
        await asking.close()
        return results, asking.counts()

    return asyncio.run(run())


def test_a_cut_reply_fails_is_on_record_and_is_never_paid_for_again(tmp_path):
    transport = Replies(a=ChatReply("好但", 5, 6, finish_reason="length", reasoning="想"))
    for _ in range(2):
        (cut, whole), counts = complete(tmp_path, transport, "a", "b")
        assert (cut.kind, cut.text, whole.text) == ("length", "好但", "好")
    assert transport.sent == ["a", "b"]
    assert counts["cached"] == 2
    log = CallLog(tmp_path / "calls.sqlite")
    [call] = log.calls(status="length")
    assert (call.prompt_tokens, call.completion_tokens) == (5, 6)
    whole = log.whole(call.id)
    assert (whole.reply, whole.request) == ("好但", {})
    assert log.statuses() == {"length": 1, "ok": 1}
    kept = CallCache(tmp_path / "calls.sqlite").get(ask("a"))
    assert kept == ChatReply("好但", 5, 6, True, "length", "想")


def test_a_file_of_before_is_given_the_columns(tmp_path):
    path = tmp_path / "calls.sqlite"
    db = sqlite3.connect(path)
    db.execute(
        "CREATE TABLE calls (key TEXT PRIMARY KEY, request BLOB NOT NULL, reply TEXT NOT NULL, prompt_tokens"
        " INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, time REAL NOT NULL) WITHOUT ROWID"
    )
    db.execute("INSERT INTO calls VALUES (?, ?, '旧', 1, 2, 3.0)", (ask().key(), ask().body()))
    db.commit()
    db.close()
    for _ in range(2):
        cache = CallCache(path)
        assert cache.get(ask()) == ChatReply("旧", 1, 2, cached=True)
        cache.put(ask("新"), ChatReply("新", 1, 2, finish_reason="length"))
        assert cache.get(ask("新")).finish_reason == "length"
        cache.close()


def test_a_reply_that_no_file_takes_fails_alone(tmp_path):
    transport = Replies(a=ChatReply("好", 1 << 70, 1), b=ChatReply(f"好{HALF}", 1, 1))
    (unstorable, half, whole), counts = complete(tmp_path, transport, "a", "b", "c")
    assert (unstorable.kind, half.text, whole.text) == ("bad_body", "好", "好")
    assert "cannot be stored" in unstorable.message
    assert len(CallCache(tmp_path / "calls.sqlite")) == 2
    assert counts["failures"] == 1


def test_what_a_failure_says_can_be_written():
    failure = CallFailure("server_error", f"oh{HALF}", f"好{HALF}")
    assert (failure.message, failure.text) == ("oh", "好")
