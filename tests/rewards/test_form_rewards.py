"""Rewards of form: sections, lengths, repetition and language."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards import LanguageMix, LengthGate, OrderedSections, OverlongPenalty, Repetition, RewardSample

COLON = "情绪：难过\n原因：落榜\n意图：想被理解\n回复：这一定很不好受。"


def sample(response, **fields):
    return RewardSample(id="q", response=response, gold="", kind="case", **fields)


def value(reward, response, **fields):
    return reward.score(sample(response, **fields)).value


@pytest.mark.parametrize(
    "response",
    [
        COLON,
        f"<think>先想回复：再想情绪：</think>\n{COLON}\n",
        COLON.replace("：", ":\n"),
        "【情绪】难过\n【原因】落榜\n【意图】想被理解\n【回复】这一定很不好受。",
        "### 情绪\n难过\n### 原因\n落榜\n\n### 意图\n被理解\n### 回复\n这一定很不好受。",
        "**情绪：** 难过\n**原因：** 落榜\n**意图**：被理解\n**回复**：这一定很不好受。",
        "1. 情绪：难过\n2. 原因：落榜\n3. 意图：被理解\n4. 回复：我懂你的原因，也懂你的情绪。",
        "Emotions: sad\nCauses: failed\nIntentions: comfort\nReply: I hear you.",
    ],
)
def test_sections_in_order(response):
    assert value(OrderedSections(), response) == 1.0


@pytest.mark.parametrize(
    "response",
    [
        "",
        "情绪：难过\n原因：落榜\n意图：想被理解",
        "原因：落榜\n情绪：难过\n意图：想被理解\n回复：好。",
        "情绪：\n原因：\n意图：\n回复：",
        COLON.replace("落榜", ""),
        COLON + "\n回复：再说一次。",
        "好的，我来分析。\n" + COLON,
        f"<think>{COLON}</think>",
        f"<think>{COLON}",
        "我的情绪很好，原因是你，意图不明，回复如下",
    ],
)
def test_sections_missing_empty_or_out_of_order(response):
    assert value(OrderedSections(), response) == 0.0


def test_a_cut_off_reply_fails_the_sections_and_the_gate():
    assert value(OrderedSections(), COLON, truncated=True) == 0.0
    assert value(LengthGate(max_chars=9), "答案：B", truncated=True) == 0.0


def test_sections_of_ones_own():
    reward = OrderedSections(("案情", "法条|依据", "结论"))
    assert value(reward, "案情：借款\n依据：第六百七十五条\n结论：应还。") == 1.0
    assert value(reward, COLON) == 0.0
    for wrong in ((), ("甲", "甲"), ("甲|",)):
        with pytest.raises(ValueError, match="sections"):
            OrderedSections(wrong)


@pytest.mark.parametrize(("n", "passed"), [(0, 0.0), (1, 0.0), (2, 1.0), (5, 1.0), (6, 0.0)])
def test_the_length_gate_counts_the_answer_part(n, passed):
    assert value(LengthGate(max_chars=5, min_chars=2), f"<think>很长的思考</think>\n{'字' * n} ") == passed
    with pytest.raises(ValueError, match="min_chars"):
        LengthGate(max_chars=5, min_chars=0)


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(0, 9000))
def test_the_overlong_penalty_is_equation_13(one, other, length):
    top, cache = max(one, other), min(one, other)
    slope = ((top - cache) - length) / cache
    by_hand = np.select([length <= top - cache, length <= top], [0.0, slope], -1.0)
    penalty = value(OverlongPenalty(max_tokens=top, cache_tokens=cache), "…", response_tokens=length)
    assert penalty == pytest.approx(float(by_hand))


def test_no_token_count_is_an_error_not_a_guess():
    assert OverlongPenalty(10, 5).score(sample("…")).error.kind == "scorer_exception"
    with pytest.raises(ValueError, match="cache_tokens"):
        OverlongPenalty(max_tokens=5, cache_tokens=10)


@pytest.mark.parametrize(
    ("response", "n", "penalty"),
    [
        ("甲乙丙丁", 2, 0.0),
        ("甲乙甲乙甲乙", 2, -3 / 5),
        ("甲乙，甲乙。甲乙！", 2, -3 / 5),
        ("哈" * 101, 1, -100 / 101),
        ("the cat the cat", 2, -1 / 3),
        ("<think>甲乙甲乙</think>丙", 2, -1 / 4),
        ("甲", 2, 0.0),
        ("", 2, -1.0),
        ("<think>甲乙丙丁", 2, -1.0),
    ],
)
def test_repetition(response, n, penalty):
    assert value(Repetition(n), response) == pytest.approx(penalty)


@given(st.text("甲乙丙", min_size=1, max_size=40), st.integers(1, 4))
def test_saying_it_again_is_never_better(text, n):
    assert -1 <= value(Repetition(n), text * 2) <= value(Repetition(n), text) <= 0


@pytest.mark.parametrize(
    ("response", "script", "penalty"),
    [
        ("我理解你，12 次！", "han", 0.0),
        ("我理解you", "han", -0.5),
        ("я понимаю", "han", -1.0),
        ("我はかな", "han", -3 / 4),
        ("<think>let me think</think>我理解你", "han", 0.0),
        ("I see, café", "latin", 0.0),
        ("I see 你", "latin", -1 / 5),
        ("……！", "han", -1.0),
        ("人々﨎〆豈㐀𠀀", "han", 0.0),
        ("Hawaiʻi ªº ﬁ", "latin", 0.0),
        ("ａｂ你", "latin", -1 / 3),
        ("", "latin", -1.0),
    ],
)
def test_language_mix(response, script, penalty):
    assert value(LanguageMix(script), response) == pytest.approx(penalty)


def test_repetition_counts_eight_units_unless_told_otherwise():
    assert Repetition().n == 8


@pytest.mark.parametrize(
    ("make", "fine", "wrong"),
    [
        (Repetition, [1, 2], [0, -1]),
        (lambda n: LengthGate(max_chars=5, min_chars=n), [1, 5], [0, 6]),
        (lambda n: OverlongPenalty(max_tokens=10, cache_tokens=n), [1, 10], [0, 11]),
    ],
    ids=["repetition", "length_gate", "overlong_penalty"],
)
def test_the_bounds_of_settings(make, fine, wrong):
    for number in fine:
        make(number)
    for number in wrong:
        with pytest.raises(ValueError, match=str(number)):
            make(number)


@pytest.mark.parametrize(
    ("response", "passed"),
    [
        ("1. 情绪：难过\n（2）原因：落榜\n3) 意图：被理解\n4、回复：好", 1.0),
        ("> **情绪**\n难过\n> **原因**\n落榜\n> **意图**\n被理解\n> **回复**\n好", 1.0),
        ("[情绪]难过\n[成因]落榜\n[需求]被理解\n[回应]好", 1.0),
        ("EMOTIONS: sad\ncauses: x\nIntentions: y\nREPLY: z", 1.0),
        ("情绪难过\n原因：落榜\n意图：被理解\n回复：好", 0.0),
        ("情绪：难过，原因：落榜\n意图：被理解\n回复：好", 0.0),
        ("情绪：难过\n原因：落榜\n意图：被理解\n回复： ", 0.0),
    ],
)
def test_how_a_heading_may_look(response, passed):
    assert value(OrderedSections(), response) == passed


def test_a_longer_name_of_a_section_is_not_taken_for_a_shorter_one():
    reward = OrderedSections(("结论", "结论依据"))
    assert value(reward, "结论：好\n结论依据：条文") == 1.0
    assert value(reward, "结论依据：条文\n结论：好") == 0.0
