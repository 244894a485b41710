"""Each metric of an item against an independent implementation, on 200 cases."""

import importlib.util
import json
import random
from itertools import combinations
from pathlib import Path

import jieba
import pytest
import sacrebleu
from rouge_chinese import Rouge

from psyche_rl.errors import ConfigError
from psyche_rl.evaluation.benchmark import Benchmark
from psyche_rl.evaluation.benchmark_item import BenchmarkItem, KeyPoint
from psyche_rl.evaluation.item_scoring import ItemReply, score_item
from psyche_rl.evaluation.metric_names import metric_of
from psyche_rl.evaluation.repeated_samples import maj_at_k, pass_at_k
from psyche_rl.records import Message

CASES = 200
WORDS = ("抑郁", "焦虑", "症状", "求助者", "咨询", "认知", "行为", "情绪", "量表", "诊断", "病程", "问题")
CHOICE = ("mcq_strict", "mcq_elastic", "mcq_jaccard", "mcq_one_of")
OPEN = ("rouge1_f1_jieba_mean", "rougeL_f1_jieba_mean", "bleu4_jieba_exp_mean", "keypoint_recall")


def described(**changes):
    told = {"name": "x", "title": "x", "source": "x", "licence": "x", "citation": "x", "get": "x"}
    return Benchmark.model_validate(told | {"metrics": {"choice": CHOICE, "open": OPEN}} | changes)


def item(**changes):
    message = Message(role="user", content="?")
    told = {"id": "1", "part": "p", "kind": "multiple", "cluster": "1", "messages": (message,), "stem": "?"}
    return BenchmarkItem.model_validate(told | {"gold": "A"} | changes)


def scored(benchmark, asked, text, **reply):
    return score_item(benchmark, asked, ItemReply(text, **reply), model="m")


def test_choice_formulas_are_those_of_sets():
    rng, benchmark = random.Random(0), described()
    for _ in range(CASES):
        gold = {letter for letter in "ABCD" if rng.random() < 0.5} or {"B"}
        said = {letter for letter in "ABCD" if rng.random() < 0.5}
        asked = item(gold="".join(sorted(gold)), options=("甲", "乙", "丙", "丁"))
        row = scored(
            benchmark, asked, f"<think>想</think>答案：{''.join(sorted(said))}" if said else "不知道"
        )
        assert row.answer == ("".join(sorted(said)) or None)
        assert row.scores["mcq_strict"] == float(said == gold)
        assert row.scores["mcq_elastic"] == (len(said) / len(gold) if said and said <= gold else 0.0)
        assert row.scores["mcq_jaccard"] == (len(said & gold) / len(said | gold) if said else 0.0)
        assert row.scores["mcq_one_of"] == float(len(said) == 1 and said <= gold)


@pytest.mark.slow  # what loads jieba's words, for three seconds
def test_overlap_is_that_of_rouge_chinese_and_sacrebleu_on_the_same_words():
    jieba.setLogLevel(60)
    rng, benchmark, rouge = random.Random(1), described(extraction="text"), Rouge()
    for _ in range(CASES):
        # rouge-chinese counts a word once: with words that stand once in a text both count alike.
        said, gold = (rng.sample(WORDS, rng.randint(4, 10)) for _ in range(2))
        once = ["".join(words) for words in (said, gold)]
        cut = [jieba.lcut(t) for t in once]
        if any(len(words) != len(set(words)) for words in cut):
            continue
        row = scored(benchmark, item(kind="short", gold=once[1]), once[0])
        theirs = rouge.get_scores(*(" ".join(words) for words in cut))[0]
        assert row.scores["rouge1_f1_jieba_mean"] == pytest.approx(theirs["rouge-1"]["f"], abs=1e-6)
        assert row.scores["rougeL_f1_jieba_mean"] == pytest.approx(theirs["rouge-l"]["f"], abs=1e-6)
        bleu = sacrebleu.sentence_bleu(" ".join(cut[0]), [" ".join(cut[1])], tokenize="none").score
        assert row.scores["bleu4_jieba_exp_mean"] == pytest.approx(bleu / 100)


def test_key_points_are_weighed_by_their_marks():
    rng, benchmark = random.Random(2), described(extraction="text")
    for _ in range(CASES):
        words = rng.sample(WORDS, 6)
        marks = [rng.choice((1.0, 2.0, 2.5)) for _ in words]
        named = [word for word in words if rng.random() < 0.5]
        points = [KeyPoint(text=word, marks=mark) for word, mark in zip(words, marks, strict=True)]
        row = scored(benchmark, item(kind="short", gold="x", key_points=tuple(points)), "；".join(named))
        earned = sum(mark for word, mark in zip(words, marks, strict=True) if word in named)
        assert row.scores["keypoint_recall"] == pytest.approx(earned / sum(marks))
    assert "keypoint_recall" not in scored(benchmark, item(kind="short", gold="x"), "抑郁").scores


def test_eq_bench_is_that_of_lm_eval():
    root = Path(importlib.util.find_spec("lm_eval").submodule_search_locations[0])
    spec = importlib.util.spec_from_file_location("eq_utils", root / "tasks/eq_bench/utils.py")
    theirs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(theirs)
    rng = random.Random(3)
    benchmark = described(language="en", extraction="ratings", metrics={"open": ["eq_bench_v2"]})
    names = ("Surprised", "Relieved", "Angry", "Hopeful", "Gloomy")
    for _ in range(CASES):
        gold = dict(zip(names, (rng.randint(0, 10) for _ in range(4)), strict=False))
        reference = {f"emotion{n}": name for n, name in enumerate(gold, 1)}
        reference |= {f"emotion{n}_score": score for n, score in enumerate(gold.values(), 1)}
        said = rng.sample(names, 4) if rng.random() < 0.3 else list(gold)
        lines = [f"{name}: {rng.randint(0, 10)}" for name in said]
        text = "\n".join(["First pass scores:", *lines, "Critique: none.", "Revised scores:", *lines])
        row = scored(benchmark, item(kind="emotions", gold=json.dumps(gold)), text)
        found = theirs.calculate_score_fullscale({"reference_answer_fullscale": str(reference)}, [text])
        if found["percent_parseable"]:
            assert row.scores["eq_bench_v2"] == pytest.approx(found["eqbench"])
        else:
            assert row.unscored == ("eq_bench_v2",)


def test_pass_at_k_is_the_share_of_draws_with_a_right_one():
    rng = random.Random(4)
    for _ in range(CASES):
        n = rng.randint(1, 7)
        right, k = rng.randint(0, n), rng.randint(1, n)
        replies = [place < right for place in range(n)]
        draws = list(combinations(replies, k))
        assert pass_at_k(right, n, k) == pytest.approx(sum(map(any, draws)) / len(draws))
    with pytest.raises(ValueError, match="pass@3"):
        pass_at_k(0, 2, 3)


def test_a_vote_falls_to_the_answer_of_most_and_of_equals_to_the_first():
    assert maj_at_k(["A", "B", "B"], [0.0, 1.0, 1.0]) == 1.0
    assert maj_at_k(["A", "B"], [0.0, 1.0]) == 0.0
    assert maj_at_k([None, None, "B"], [0.0, 0.0, 1.0]) == 1.0
    assert maj_at_k([None], [0.0]) == 0.0


def test_what_could_not_be_scored_is_named_and_never_0():
    benchmark, asked = described(), item(options=("甲", "乙"))
    failed = scored(benchmark, asked, "", ended="failed", error="timeout")
    assert (failed.scores, failed.unscored, failed.error) == ({}, CHOICE, "timeout")
    unkeyed = scored(benchmark, item(options=("甲", "乙"), gold="Z"), "答案：A")
    assert set(unkeyed.unscored) == set(CHOICE)
    cut = scored(benchmark, asked, "<think>想", ended="length")
    assert (cut.scores["mcq_strict"], cut.scores["format"], cut.answer) == (0.0, 0.0, None)


def test_what_is_measured_of_every_reply():
    benchmark, asked = described(), item(options=("甲", "乙"))
    plain = scored(benchmark, asked, "答案：甲，选B", reasoning="想了想")
    assert plain.scores["format"] == 1.0
    assert scored(benchmark, asked, "答案：甲").scores["format"] == 0.0
    assert scored(benchmark, asked, "<think></think>对不起，我无法回答这个问题。").scores["refusal"] == 1.0
    assert scored(benchmark, asked, "I'm sorry, but I can't help with that.").scores["refusal"] == 1.0
    assert scored(benchmark, asked, "求助者说对不起父母，无法面对他们。选A").scores["refusal"] == 0.0
    assert scored(benchmark, asked, "抱歉的情绪").scores["language_mix_han"] == 0.0


@pytest.mark.parametrize("name", ["mcq_strct", "rouge1_f1_mean", "bleu4_zh_mean", "rougeL_f1_zh_exp_mean"])
def test_a_metric_that_is_none_is_refused(name):
    with pytest.raises(ConfigError, match="no metric"):
        metric_of(name)
