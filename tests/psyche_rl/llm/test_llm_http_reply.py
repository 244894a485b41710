"""What each status and body of a server means."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from psyche_rl.llm.attempts import FailedAttemptError, RefusedError, Sent
from psyche_rl.llm.chat import ChatReply
from psyche_rl.llm.http_reply import failure_of, reply_of, seconds

SENT = Sent(b"{}", "m", "http://a/v1")


def body(content, **rest):
    return json.dumps({"choices": [{"message": {"content": content}}]} | rest).encode()


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"usage": {"prompt_tokens": 3, "completion_tokens": 4}}, (3, 4)),
        ({"usage": {"prompt_tokens": None, "completion_tokens": None}}, (0, 0)),
        ({"usage": {}}, (0, 0)),
        ({"usage": None}, (0, 0)),
        ({}, (0, 0)),
    ],
)
def test_a_completion_is_read_with_or_without_its_usage(usage, tokens):
    assert reply_of(body("好", **usage), SENT) == ChatReply("好", *tokens)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"<html>", "not a chat completion: b'<html>'"),
        (b"[]", "not a chat completion: b'[]'"),
        (b'{"choices": []}', "not a chat completion"),
        (b"x" * 300, f"not a chat completion: b'{'x' * 200}'"),
        (body(None), "the reply holds no text"),
        (body([]), "the reply holds no text"),
        (body(" \n"), "the reply holds no text"),
    ],
)
def test_anything_else_is_a_failed_attempt(content, why):
    with pytest.raises(FailedAttemptError) as caught:
        reply_of(content, SENT)
    assert str(caught.value).startswith(why)
    assert len(str(caught.value)) <= len("not a chat completion: b''") + 200
    assert (caught.value.kind, caught.value.sent) == ("bad_body", SENT)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (429, "rate_limited"), (503, "unavailable"),
        (408, "server_error"), (409, "server_error"), (425, "server_error"),
        (500, "server_error"), (502, "server_error"), (599, "server_error"),
    ],
)  # fmt: skip
def test_what_may_be_tried_again_keeps_what_the_server_asked_for(status, kind):
    failed = failure_of(status, "7", b"oh", SENT, None)
    assert isinstance(failed, FailedAttemptError)
    assert (failed.kind, str(failed), failed.retry_after) == (kind, f"HTTP {status}: oh", 7.0)
    assert failed.sent == SENT
    assert failed.elsewhere is False


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 410, 422, 426, 499])
def test_what_was_refused_may_not(status):
    refused = failure_of(status, "7", b"no", SENT, None)
    assert isinstance(refused, RefusedError)
    assert (refused.status, str(refused), refused.sent) == (status, f"HTTP {status}: no", SENT)


def test_a_body_is_told_up_to_200_bytes_and_without_the_key():
    assert str(failure_of(400, None, b"y" * 300, SENT, None)) == "HTTP 400: " + "y" * 200
    assert str(failure_of(400, None, b"key sk-1, sk-1", SENT, "sk-1")) == "HTTP 400: key ***, ***"
    assert str(failure_of(400, None, "好".encode() * 67, SENT, "")).startswith("HTTP 400: 好好")


def test_retry_after_is_a_number_or_a_date_and_never_negative():
    assert [seconds(text) for text in (None, "", "soon", "0", "1.5", "-3")] == [None, None, None, 0, 1.5, 0]
    now = datetime.now(UTC)
    assert seconds(format_datetime(now - timedelta(hours=1), usegmt=True)) == 0.0
    assert 3500 < seconds(format_datetime(now + timedelta(hours=1), usegmt=True)) <= 3600
