"""What is taken for a secret and what is not; that masking is linear and done once."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psyche_rl import masking
from psyche_rl.errors import PsycheError, RemoteWaitError
from psyche_rl.events import Events
from psyche_rl.masking import (
    MASK,
    SecretMask,
    has_login,
    looks_like_a_key,
    masked,
    secret_values,
    without_shapes,
)
from psyche_rl.problem import Problem
from psyche_rl.store import RunStore

KEY = "planted-Key/of+the test&1"
BY_SHAPE = (
    "sk-proj-abcDEF123456789012345",
    "gsk_abcdefghijklmnopqrst12",
    "hf_abcdefghijklmnopqrstuv",
    "ghp_abcdefghijklmnopqrstuvwxyz0123",
    "AKIAIOSFODNN7EXAMPLE",
    "AIzaSyA1234567890abcdefghijklmnopqrs-_",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "LTAI5tAbcdEfghIjkl",
)


@pytest.mark.parametrize("key", BY_SHAPE)
@pytest.mark.parametrize("around", ["{}", "说：{}。", '{{"key": "{}"}}', "x={}&y", "Bearer {}\n"])
def test_keys_of_providers_are_known_by_their_shape(key, around):
    text = without_shapes(around.format(key))
    assert key not in text
    assert MASK in text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("https://me:word@a/v1", "https://***@a/v1"),
        ("S3://AKIAX:wJ/al+r@bucket/x", "S3://***@bucket/x"),
        ("ssh://git@host/x 与 http://a:p:q@b", "ssh://***@host/x 与 http://***@b"),
        ("Authorization: Bearer abcdefghijklmnop1234", "Authorization: Bearer ***"),
        ('{"api_key": "abcd1234efgh5678"}', '{"api_key": "***"}'),
        ("?X-Amz-Signature=0123456789abcdef0123", "?X-Amz-Signature=***"),
    ],
)
def test_what_stands_where_secrets_stand_is_one(text, left):
    assert without_shapes(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:8001/v1", "http://host:8080/path/@user", "https://zhihu.com/@user",
        "abfs://container@account.dfs.core.windows.net/x", "task-based learning in 2024",
        "basic psychology of 1960", "password: 请输入您的密码", "睡眠由两种状态组成。", "sk-learn",
        "key=答案：B", "api_key_env: A_KEY_2",
    ],
)  # fmt: skip
def test_other_texts_stay_as_they_are(text):
    assert without_shapes(text) == text
    assert not has_login(text)


@settings(max_examples=30)
@given(st.text(max_size=60), st.text(max_size=60))
def test_no_key_survives_and_nothing_is_masked_twice(before, after):
    mask = SecretMask([KEY])
    once = mask.text(before + KEY + after)
    assert KEY not in once
    assert mask.text(once) == once
    tree = json.loads(json.dumps({"a": [before + KEY], KEY: 1}))
    assert KEY not in str(mask.tree(tree))


def test_a_key_that_was_cut_is_masked_too():
    mask = SecretMask([KEY])
    for length in range(6, len(KEY)):
        assert mask.text(f"said {KEY[:length]}") == f"said {MASK}"
        if length >= 10:
            assert mask.text(f"b'{KEY[:length]}' and {KEY[:length]}") == f"b'{MASK}' and {MASK}"


def test_long_hostile_texts_take_no_time_to_speak_of():
    for part in ("sk-", "://:", "eyJ", "api_key=", "-----BEGIN PRIVATE KEY-----", "&#", "\\u0073", KEY[:10]):
        SecretMask([KEY]).text(part * 20_000)  # would never end if it were quadratic


def test_the_environment_says_what_is_secret():
    environment = {
        "OPENAI_API_KEY": "abcdef-1",
        "PSYCHE_RL_REWARD_TOKEN": "token-of-it-1",
        "SSH_KEY": "/home/me/.ssh/id",
        "DUMMY_API_KEY": "EMPTY",
        "https_proxy": "http://me:pass-word@proxy:80",
        "LANG": "zh_CN.UTF-8",
        "MINE": "a-name-of-its-own",
    }
    assert secret_values(environment) == ["abcdef-1", "pass-word", "token-of-it-1"]
    assert "a-name-of-its-own" in secret_values(environment, ["MINE", "UNSET"])


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "MY_KEY_2", "openai_api_key", "AZUREOPENAIAPIKEY2", "K"])
def test_names_of_variables(name):
    assert not looks_like_a_key(name)


@pytest.mark.parametrize("key", ["abcdef0123456789abcdef0123456789", "Ab3dEf6hIj9lMn", "A" * 65, *BY_SHAPE])
def test_keys_in_the_place_of_a_name(key):
    assert looks_like_a_key(key)


def test_errors_problems_and_events_are_masked(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(masking, "_CONFIGURED", set())
    monkeypatch.setenv("OF_ITS_OWN", KEY)
    assert KEY in masked(KEY)
    masking.know("OF_ITS_OWN", None)
    lost = RemoteWaitError("llm", "start", 1, f"it said {KEY}")
    events = Events(RunStore(str(tmp_path)))
    events.say(f"said {KEY}", why={"deep": [KEY]}, error=lost)
    told = [
        str(PsycheError(f"a {KEY}")),
        str(lost),
        Problem("k", "y" * 70 + KEY, "wrong", KEY).line(),
        Problem("teacher.api_key", "short1", "unknown key", "x").line(),
        (tmp_path / "events.jsonl").read_text(),
        capsys.readouterr().err,
    ]
    for text in told:
        assert "planted" not in text
        assert "short1" not in text
    assert json.loads(told[4])["why"] == {"deep": [MASK]}
