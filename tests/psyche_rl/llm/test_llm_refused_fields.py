"""Which field a server refuses, in the words of several servers."""

import json

import pytest

from psyche_rl.llm.attempts import FailedAttemptError, Sent
from psyche_rl.llm.chat import ChatRequest
from psyche_rl.llm.http_reply import failure_of, reply_of, tokens_of
from psyche_rl.llm.refused_fields import refused_field

BODY = ChatRequest("m", (("user", "问"),), 0.0, 16, schema="{}").body()
OPENAI = {
    "error": {
        "message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
        "'max_completion_tokens' instead.",
        "type": "invalid_request_error", "param": "max_tokens", "code": "unsupported_parameter",
    }
}  # fmt: skip
OPENAI_VALUE = {
    "error": {
        "message": "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default "
        "(1) value is supported.",
        "param": "temperature", "code": "unsupported_value",
    }
}  # fmt: skip
MISTRAL = {
    "detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]
}
PATH = {"error": {"param": "body.response_format", "message": "response_format is unknown"}}
LIMIT = {"message": "max_tokens is too large: 16. This model takes at most 8."}


@pytest.mark.parametrize(
    ("said", "name", "is_unknown"),
    [
        (OPENAI, "max_tokens", True),
        (OPENAI_VALUE, "temperature", True),
        (MISTRAL, "seed", True),
        (PATH, "response_format", True),
        (LIMIT, "max_tokens", False),
        ("Unrecognized request argument supplied: seed", "seed", True),
        ('Invalid JSON payload received. Unknown name "seed": Cannot find field.', "seed", True),
        ("1 validation error: temperature: Extra inputs are not permitted", "temperature", True),
    ],
)
def test_the_field_is_found(said, name, is_unknown):
    content = (said if isinstance(said, str) else json.dumps(said)).encode()
    found = refused_field(content, BODY)
    assert (found.name, found.is_unknown) == (name, is_unknown)


@pytest.mark.parametrize(
    "said",
    [
        b"too long", b"", b"\xff", b"[" * 20_000, b'{"error": {"param": "messages.0.content"}}',
        b'{"error": {"param": null, "message": "the model max_tokens_per_day"}}', b'{"param": "top_p"}',
    ],
)  # fmt: skip
def test_nothing_is_named_that_was_not_sent_or_has_to_be(said):
    assert refused_field(said, BODY) is None


@pytest.mark.parametrize(
    ("request_", "said", "remedy"),
    [
        (ChatRequest("m", (), 0.0, 16), "seed", "leave it out with teacher.omit=[seed] (select.omit"),
        (ChatRequest("m", (), 0.0, 16, omit=("seed",)), "temperature", "teacher.omit=[temperature, seed] "),
        (ChatRequest("m", (), 0.0, 16), "max_tokens", "'teacher.extra_body={max_completion_tokens: 2048}'"),
        (ChatRequest("m", (), 0.0, 16, schema="{}"), "response_format", "teacher.structured_output=off"),
        (ChatRequest("m", (), 0.0, 16, extra='{"top_k": 3}'), "top_k", "correct it in teacher.extra_body"),
    ],
)
def test_the_remedy_is_the_key_that_leaves_it_out(request_, said, remedy):
    sent = Sent(request_.body(), "m", "u")
    for status in (400, 422):
        refused = failure_of(status, None, f"unknown field {said}".encode(), sent)
        assert f"it names '{said}': " in str(refused)
        assert remedy in str(refused)
        assert refused.is_lasting
    assert not failure_of(403, None, f"unknown field {said}".encode(), sent).is_lasting


def test_where_a_limit_is_already_given_no_other_is_proposed():
    sent = ChatRequest("m", (), 0.0, 16, extra='{"max_completion_tokens": 9}').body()
    assert "extra_body" not in refused_field(b"unknown max_tokens", sent).remedy


@pytest.mark.parametrize(
    ("status", "said", "lasting"),
    [
        (402, b"Insufficient Balance", True),
        (429, b'{"error": {"code": "insufficient_quota"}}', True),
        (429, b"slow down", None),
    ],
)
def test_an_empty_account_is_not_waited_out(status, said, lasting):
    found = failure_of(status, None, said, Sent(b"{}", "m", "u"))
    assert getattr(found, "is_lasting", None) == lasting
    assert ("top up the account" in str(found)) == bool(lasting)


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"prompt_tokens": "12", "completion_tokens": 3.0}, (12, 3)),
        ({"prompt_tokens": "n/a", "completion_tokens": 3}, (0, 3)),
        ({"prompt_tokens": 10**8, "completion_tokens": float("nan")}, (10**8, 0)),
        ({"prompt_tokens": [1], "completion_tokens": {"total": 2}}, (0, 0)),
        ({"prompt_tokens": True, "completion_tokens": None}, (0, 0)),
        ("many", (0, 0)), ([1, 2], (0, 0)), (7, (0, 0)),
    ],
)  # fmt: skip
def test_a_count_that_is_none_counts_as_none(usage, tokens):
    assert tokens_of(usage) == tokens


@pytest.mark.parametrize("count", [-1, "-2", 10**8 + 1, 1e40, float("inf"), 10**400])
@pytest.mark.parametrize("name", ["prompt_tokens", "completion_tokens"])
def test_an_absurd_count_is_a_named_failure(count, name):
    choice = {"message": {"content": "好"}, "finish_reason": "stop"}
    said = json.dumps({"choices": [choice], "usage": {name: count}}).encode()
    with pytest.raises(FailedAttemptError, match=f"usage says .* {name}") as found:
        reply_of(said, Sent(b"{}", "m", "u"))
    assert found.value.kind == "bad_body"
