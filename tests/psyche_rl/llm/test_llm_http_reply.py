"""What each status and body of a server means."""

import html
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import quote

import pytest

from psyche_rl.llm.attempts import FailedAttemptError, RefusedError, Sent
from psyche_rl.llm.chat import ChatReply
from psyche_rl.llm.http_reply import failure_of, reply_of, seconds
from psyche_rl.masking import SecretMask

SENT = Sent(b"{}", "m", "http://a/v1")
NO_KEY = SecretMask()


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
    assert reply_of(body("好", **usage), SENT, NO_KEY) == ChatReply("好", *tokens)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"<html>", "not a chat completion: '<html>'"),
        (b"[]", "not a chat completion: '[]'"),
        (b'{"choices": []}', "not a chat completion"),
        (b"x" * 300, f"not a chat completion: '{'x' * 200}'"),
        (body(None), "the reply holds no text"),
        (body([]), "the reply holds no text"),
        (body(" \n"), "the reply holds no text"),
    ],
)
def test_anything_else_is_a_failed_attempt(content, why):
    with pytest.raises(FailedAttemptError) as caught:
        reply_of(content, SENT, NO_KEY)
    assert str(caught.value).startswith(why)
    assert len(str(caught.value)) <= len("not a chat completion: ''") + 200
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
    failed = failure_of(status, "7", b"oh", SENT, NO_KEY)
    assert isinstance(failed, FailedAttemptError)
    assert (failed.kind, str(failed), failed.retry_after) == (kind, f"HTTP {status}: oh", 7.0)
    assert failed.sent == SENT
    assert failed.elsewhere is False


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422, 426, 499])
def test_what_was_refused_may_not(status):
    refused = failure_of(status, "7", b"no", SENT, NO_KEY)
    assert isinstance(refused, RefusedError)
    assert (refused.status, str(refused), refused.sent) == (status, f"HTTP {status}: no", SENT)


def test_a_body_is_told_up_to_200_characters_and_without_the_key():
    assert str(failure_of(400, None, b"y" * 300, SENT, NO_KEY)) == "HTTP 400: " + "y" * 200
    assert (
        str(failure_of(400, None, b"key sk-one, sk-one", SENT, SecretMask(["sk-one"])))
        == "HTTP 400: key ***, ***"
    )
    assert str(failure_of(400, None, "好".encode() * 67, SENT, NO_KEY)).startswith("HTTP 400: 好好")


def test_retry_after_is_a_number_or_a_date_and_never_negative():
    assert [seconds(text) for text in (None, "", "soon", "0", "1.5", "-3")] == [None, None, None, 0, 1.5, 0]
    now = datetime.now(UTC)
    assert seconds(format_datetime(now - timedelta(hours=1), usegmt=True)) == 0.0
    assert 3500 < seconds(format_datetime(now + timedelta(hours=1), usegmt=True)) <= 3600


def test_a_redirect_is_refused_with_what_to_do():
    assert "the server is at another address" in str(failure_of(302, None, b"", SENT, NO_KEY))


KEY = "sk-planted/key+of?the=test&1"


@pytest.mark.parametrize("spelled", [KEY, json.dumps(KEY)[1:-1], quote(KEY, safe=""), html.escape(KEY)])
def test_a_key_is_masked_before_the_body_is_cut(spelled):
    mask = SecretMask([KEY])
    for before in range(170, 202):
        told = str(failure_of(400, None, b"y" * before + spelled.encode() + b" end", SENT, mask))
        assert "sk-p" not in told
        with pytest.raises(FailedAttemptError) as caught:
            reply_of(b"y" * before + spelled.encode(), SENT, mask)
        assert "sk-p" not in str(caught.value)


def test_a_key_in_escapes_is_masked_too():
    mask = SecretMask([KEY])
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in KEY)
    entities = "".join(f"&#{ord(letter)};" for letter in KEY)
    for spelled in (escaped, entities):
        told = str(failure_of(400, None, spelled.encode(), SENT, mask))
        assert told == "HTTP 400: ***"
    said = reply_of(f'{{"choices": [{{"message": {{"content": "{escaped}"}}}}]}}'.encode(), SENT, mask)
    assert said.text == "***"


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 200_000,
        b'{"choices": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"choices": [' + b"1," * 4_000_000 + b"1]}",
        b'{"choices": [{"message": {"content": "x"}}], "n": ' + b"9" * 5000 + b"}",
        b"\xff\xfe\x00",
        b'{"choices": [{"message": {"content": "' + b'\\"' * 100_000,
    ],
)
def test_bodies_that_no_parser_should_see_are_failed_attempts(content):
    with pytest.raises(FailedAttemptError, match="not a chat completion"):
        reply_of(content, SENT, NO_KEY)


@pytest.mark.parametrize(
    "asked",
    ["1e9", "inf", "-inf", "nan", "1e999", "9" * 5000, "Fri, 31 Dec 9999 23:59:59 GMT", "-1e9", "\x00"],
)
def test_no_pause_is_longer_than_a_day(asked):
    assert 0 <= (seconds(asked) or 0) <= 86_400
