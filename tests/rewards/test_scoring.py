"""Scores, canonical gold keys, and the shipped rewards."""

import doctest
import importlib
import pkgutil
import sqlite3
import subprocess
import sys

import pytest
from pydantic import ValidationError

import rewards
from rewards import (
    McqStrict,
    Reward,
    RewardSample,
    Score,
    ThinkFormat,
    WeightedSum,
    exam_reward,
    load_reward_set,
)
from rewards.judge.cache import VerdictCache
from rewards.text.canonical import canonical_gold, canonical_text

OPTIONS = ("内隐记忆", "外显记忆", "感觉记忆", "工作记忆")


def sample(response, gold="B", **fields):
    return RewardSample(id="q/0", response=response, gold=gold, kind="single", options=OPTIONS, **fields)


class Constant(Reward):
    def __init__(self, name, score):
        self.name, self._score = name, score

    def score(self, sample):
        if isinstance(self._score, Exception):
            raise self._score
        return self._score


@pytest.mark.parametrize("fields", [{}, {"value": 1.0, "error": {"kind": "timeout", "message": "x"}}])
def test_a_score_is_a_value_or_an_error(fields):
    with pytest.raises(ValidationError):
        Score(**fields)


def test_a_score_is_finite():
    with pytest.raises(ValidationError):
        Score.of(float("nan"))


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        ("B、A ", "AB"),
        ("Ａ，Ｃ", "AC"),
        ("\u3000d\u00a0", "D"),
        ("A和B", "AB"),
        ("(C)", "C"),
        ("ABD\n", "ABD"),
    ],
)
def test_gold_keys_are_canonicalised(raw, canonical):
    assert canonical_gold(raw, 4) == canonical


@pytest.mark.parametrize("raw", ["", " \u3000", "、", "略", "E", "AE", "A1", "见解析"])
def test_an_empty_or_impossible_gold_is_an_error(raw):
    with pytest.raises(ValueError, match="gold"):
        canonical_gold(raw, 4)
    assert McqStrict().score(sample("答案：A", gold=raw)).error.kind == "bad_gold"


def test_look_alikes_that_nfkc_leaves_are_folded():
    assert canonical_text("⻓期⼥性⺠众　Ａ\ufeff") == "长期女性民众 A"


@pytest.mark.parametrize(
    ("response", "gold", "value"),
    [
        ("答案：B", "B", 1.0),
        ("答案：Ａ、Ｃ", "C、A", 1.0),
        ("答案：A", "AC", 0.0),
        ("答案：ABCD", "AC", 0.0),
        ("<think>答案：B</think>不知道", "B", 0.0),
        ("答案：A或B", "B", 0.0),
        ("", "B", 0.0),
    ],
)
def test_strict_correctness(response, gold, value):
    assert McqStrict().score(sample(response, gold)).value == value


@pytest.mark.parametrize(
    ("response", "value"),
    [
        ("<think>因为</think>答案：B", 1.0),
        ("\n<think>\n因为\n</think>\n\nB\n", 1.0),
        ("先说<think>因为</think>B", 0.0),
        ("<think>因为</think> \n", 0.0),
        ("<think>因为</think>B<think>又</think>C", 0.0),
        ("<think><think>因为</think>B", 0.0),
        ("</think>因为<think>B", 0.0),
        ("<think>因为", 0.0),
        ("答案：B", 0.0),
    ],
)
def test_think_format(response, value):
    assert ThinkFormat().score(sample(response)).value == value


def test_a_truncated_reply_fails_the_format():
    assert ThinkFormat().score(sample("<think>因为</think>答案：B", truncated=True)).value == 0.0


def test_the_sum_is_weight_times_part():
    score = exam_reward(2.0, 0.5).score(sample("<think>因为</think>答案：A"))
    assert score.value == 0.5
    assert score.parts == {"mcq_strict": 0.0, "think_format": 1.0}


@pytest.mark.parametrize(
    ("inner", "kind"),
    [
        (Score.failed("judge_unavailable", "503"), "judge_unavailable"),
        (RuntimeError("boom"), "scorer_exception"),
    ],
)
def test_an_error_in_a_part_is_the_error_of_the_whole(inner, kind):
    score = WeightedSum([ThinkFormat(), Constant("judge", inner).as_part(0.0)]).score(sample("B"))
    assert score.value is None
    assert score.error.kind == kind
    assert "judge" in score.error.message


def test_parts_need_distinct_names():
    with pytest.raises(ValueError, match="distinct"):
        WeightedSum([McqStrict(), McqStrict().as_part(2.0)])
    with pytest.raises(ValueError, match="at least one"):
        WeightedSum([])


def test_the_fingerprint_follows_the_rule():
    one = exam_reward(1.0, 0.5).fingerprint()
    assert one == exam_reward(1.0, 0.5).fingerprint()
    assert one != exam_reward(1.0, 0.25).fingerprint()
    assert one != WeightedSum([McqStrict()], name="exam").fingerprint()


def test_importing_rewards_brings_in_no_heavy_library():
    code = "import sys, rewards; print({m.split('.')[0] for m in sys.modules} & set(sys.argv[1:]))"
    heavy = ["ray", "torch", "vllm", "transformers", "verl", "numpy", "pyarrow", "psyche_rl"]
    done = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


MODULES = ["rewards", *(m.name for m in pkgutil.walk_packages(rewards.__path__, "rewards."))]


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples_run(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0


@pytest.mark.parametrize(
    ("made", "fields"),
    [
        (RewardSample, {"id": "1", "response": "", "gold": "B", "kind": "single", "odd": 1}),
        (RewardSample, {"id": "1", "response": "", "gold": "B", "kind": "single", "response_tokens": -1}),
        (RewardSample, {"id": "1", "response": "", "gold": "B"}),
        (Score, {"value": 1.0, "odd": 1}),
        (Score, {"value": 1.0, "parts": {"a": float("inf")}}),
        (Score, {"error": {"kind": "timeout", "message": "x", "odd": 1}}),
    ],
)
def test_what_a_sample_and_a_score_cannot_hold(made, fields):
    with pytest.raises(ValidationError):
        made(**fields)


@pytest.mark.parametrize("kind", ["timeout", "bad_gold", "scorer_exception", "judge_unavailable"])
def test_a_failure_is_of_a_known_kind_and_told_in_one_line(kind):
    failed = Score.failed(kind, "no\n  score ")
    assert (failed.value, failed.parts, failed.error.kind, failed.error.message) == (
        None,
        {},
        kind,
        "no score",
    )
    with pytest.raises(ValidationError):
        Score.failed("odd", "x")


def test_a_sample_knows_little_unless_it_is_told():
    plain = RewardSample(id="1", response="", gold="B", kind="single")
    assert plain.model_dump() == {
        "id": "1", "response": "", "gold": "B", "kind": "single", "options": (), "prompt": None,
        "stem": None, "reference": None, "truncated": False, "response_tokens": None, "metadata": {},
    }  # fmt: skip
    assert Score.of(1).model_dump() == {"value": 1.0, "parts": {}, "error": None}


def test_the_first_verdict_under_a_key_stays(tmp_path):
    cache = VerdictCache(str(tmp_path / "deep" / "er" / "judge.sqlite"))
    assert cache.get("k") is None
    cache.put("k", {"a": 1})
    cache.put("k", {"a": 2})
    cache.put("l", {"a": 3})
    assert (cache.get("k"), cache.get("l")) == ({"a": 1}, {"a": 3})


def test_a_locked_file_of_verdicts_is_waited_for(tmp_path, monkeypatch):
    waits, connect = [], sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **how: [waits.append(how), connect(*a, **how)][1])
    assert VerdictCache(str(tmp_path / "judge.sqlite")).get("k") is None
    assert waits == [{"timeout": 30.0}]


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("  ａ\u3000\u00a0 b\t", "a b"), ("a\u200b\u200c\u200d\u2060\ufeff\u00adb", "ab"),
        ("a \n b", "a \n b"),
        ("⺠", "民"), ("①", "1"),
    ],
)  # fmt: skip
def test_one_spelling_for_texts(text, canonical):
    assert canonical_text(text) == canonical


@pytest.mark.parametrize(
    ("block", "silent"),
    [("<think>\n\n</think>", True), ("<think></think>", True), ("<think>\n想</think>", False)],
)
def test_an_empty_block_is_worth_what_the_setting_says(block, silent):
    said = sample(f"{block}\n\n答案：B")
    values = [ThinkFormat(allow_empty=allowed).score(said).value for allowed in (True, False)]
    assert values == [1.0, 0.0 if silent else 1.0]
    assert ThinkFormat().score(said).value == 1.0


def test_the_setting_for_empty_blocks_travels_and_its_default_leaves_no_trace():
    strict = ThinkFormat(allow_empty=False)
    assert (ThinkFormat().settings(), strict.settings()) == ({}, {"allow_empty": False})
    assert strict.fingerprint() != ThinkFormat().fingerprint() == ThinkFormat(allow_empty=True).fingerprint()
    again = load_reward_set(strict.describe())
    assert again.fingerprint() == strict.fingerprint()
    assert again.score(sample("<think> </think>答案：B")).value == 0.0


def test_a_damaged_file_of_verdicts_says_so_and_what_to_do(tmp_path):
    (tmp_path / "judge.sqlite").write_bytes(b"PK\x03\x04 no database" * 1000)
    cache = VerdictCache(str(tmp_path / "judge.sqlite"))
    for use in (lambda: cache.get("k"), lambda: cache.put("k", {"empathy": 4})):
        with pytest.raises(OSError, match=r"judge.sqlite is damaged .*; remove it"):
            use()
