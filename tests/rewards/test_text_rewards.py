"""Rewards that compare texts: key points, equality, numbers, and overlap with a reference."""

import logging

import jieba
import numpy as np
import pytest
import sacrebleu
from hypothesis import given
from hypothesis import strategies as st

from rewards import ExactText, KeypointRecall, Numeric, RewardSample, TextOverlap
from rewards.reply import stated_answer
from rewards.shipped.keypoint_recall import keypoints
from rewards.shipped.text_overlap import tokens


def sample(response, gold="", **fields):
    return RewardSample(id="q", response=response, gold=gold, kind="short", **fields)


@pytest.mark.parametrize(
    ("response", "gold", "value"),
    [
        ("登门槛效应与认知失调", "登门槛效应；认知失调", 1.0),
        ("登门槛效应", "登门槛效应；认知失调", 0.5),
        ("登 门 槛，效应！", "登门槛效应", 1.0),
        ("Ｃｌａｓｓｉｃａｌ conditioning", "classical Conditioning", 1.0),
        ("<think>登门槛效应</think>不知道", "登门槛效应", 0.0),
        ("<think>登门槛效应", "登门槛效应", 0.0),
        ("系列位置效应，即首因效应", "(1) 首因效应|首位效应\n(2) 近因效应", 0.5),
        ("", "登门槛效应", 0.0),
        ("甲", "甲；甲；乙", 0.5),
    ],
)
def test_keypoint_recall(response, gold, value):
    assert KeypointRecall().score(sample(response, gold)).value == value


def test_keypoints_are_parted_by_lines_marks_and_numbers():
    assert keypoints("1、情绪；2、动机。③意志") == (("情绪",), ("动机",), ("意志",))
    assert keypoints("信度0.85以上") == (("信度085以上",),), "a number within a point parts nothing"


phrases = st.text("情绪动机意志感知记忆", min_size=2, max_size=5)


@given(st.lists(phrases, min_size=1, max_size=5, unique=True))
def test_naming_all_key_points_is_full_recall(points):
    assert KeypointRecall().score(sample("，".join(points), "；".join(points))).value == 1.0


@pytest.mark.parametrize(
    ("response", "gold", "value"),
    [
        ("艾宾浩斯", "艾宾浩斯", 1.0),
        ("答案是：艾宾浩斯。", "艾宾浩斯", 1.0),
        ("想了想\n答案：“艾宾浩斯”\n", "艾宾浩斯", 1.0),
        ("<answer>Ebbinghaus</answer>", "艾宾浩斯|ebbinghaus", 1.0),
        (r"\boxed{ＡＢＣ}", "abc", 1.0),
        ("艾宾浩斯，也可能是冯特", "艾宾浩斯", 0.0),
        ("答案：冯特", "艾宾浩斯", 0.0),
        ("<think>艾宾浩斯</think>冯特", "艾宾浩斯", 0.0),
        ("-5", "5", 0.0),
        ("答案不是艾宾浩斯", "艾宾浩斯", 0.0),
        ("答案：冯特\n更正，答案应为：艾宾浩斯", "艾宾浩斯", 1.0),
        ("答案：冯特 <answer>艾宾浩斯</answer>", "艾宾浩斯", 1.0),
        ("", "艾宾浩斯", 0.0),
        ("。", "艾宾浩斯", 0.0),
    ],
)
def test_exact_text(response, gold, value):
    assert ExactText().score(sample(response, gold)).value == value


def test_a_cut_off_text_or_number_is_not_the_answer():
    assert ExactText().score(sample("12", "12", truncated=True)).value == 0.0
    assert Numeric().score(sample("12", "12", truncated=True)).value == 0.0


@pytest.mark.parametrize(
    ("response", "gold", "value"),
    [
        ("0.5", "1/2", 1.0),
        (r"因此 \boxed{\frac{1}{2}}", "0.5", 1.0),
        ("答案：５０%", "0.5", 1.0),
        ("<think>是 3</think>答案是 1,024", "1024", 1.0),
        ("$2\\sqrt{2}$", r"\sqrt{8}", 1.0),
        ("区间是 $[0,1]$", "[0,1]", 1.0),
        ("(1,2)", "(1,2)", 1.0),
        ("0.333", "1/3", 0.0),
        ("<think>0.5</think>不知道", "0.5", 0.0),
        ("<think>0.5", "0.5", 0.0),
        ("-3", "3", 0.0),
        ("没有数", "3", 0.0),
        ("", "3", 0.0),
    ],
)
def test_numeric(response, gold, value):
    assert Numeric().score(sample(response, gold)).value == value


def test_the_precision_of_numbers_is_a_setting():
    assert Numeric(decimals=3).score(sample("0.3333", "0.33331")).value == 1.0
    assert Numeric(decimals=6).score(sample("0.3333", "0.33331")).value == 0.0


@pytest.mark.parametrize(
    ("reward", "golds"),
    [
        (KeypointRecall(), ["", "；。", "1."]),
        (ExactText(), ["", "  ", "。"]),
        (Numeric(), ["", "略", "见解析"]),
    ],
)
def test_a_gold_that_says_nothing_is_a_complaint_and_an_error(reward, golds):
    for gold in golds:
        assert "gold" in reward.check(sample("", gold))
        assert reward.score(sample("1", gold)).error.kind == "bad_gold"
    assert reward.check(sample("", "12")) is None


REPLY, REFERENCE = "听起来你最近压力很大，睡不好觉。", "听上去你最近的压力很大，晚上睡不好，对吗？"


def rouge_l(said, reference):
    """F1 of the longest common subsequence, by its recurrence in numpy."""
    table = np.zeros((len(said) + 1, len(reference) + 1), dtype=int)
    for i, a in enumerate(said, 1):
        for j, b in enumerate(reference, 1):
            table[i, j] = table[i - 1, j - 1] + 1 if a == b else max(table[i - 1, j], table[i, j - 1])
    common = table[-1, -1]
    return 2 * common / (len(said) + len(reference)) if common else 0.0


def test_rouge_l_is_its_recurrence():
    asked = sample(f"<think>别的</think>{REPLY}", reference=REFERENCE)
    by_character = TextOverlap("rouge_l", "zh").score(asked).value
    assert by_character == pytest.approx(rouge_l(list(REPLY), list(REFERENCE)))
    by_word = TextOverlap("rouge_l", "jieba").score(asked).value
    assert by_word == pytest.approx(rouge_l(jieba.lcut(REPLY), jieba.lcut(REFERENCE)))
    assert by_word != by_character


def test_bleu_and_chrf_are_those_of_sacrebleu():
    asked = sample(REPLY, reference=REFERENCE)
    bleu = sacrebleu.sentence_bleu(REPLY, [REFERENCE], tokenize="zh", use_effective_order=True).score / 100
    chrf = sacrebleu.sentence_chrf(REPLY, [REFERENCE]).score / 100
    assert TextOverlap("bleu").score(asked).value == pytest.approx(bleu)
    short = TextOverlap("bleu").score(sample("你好", reference="你好")).value
    assert short == pytest.approx(1.0), "a text shorter than four tokens has no 4-gram to miss"
    assert TextOverlap("chrf").score(asked).value == pytest.approx(chrf)
    assert 0 < bleu < 1
    words = [" ".join(jieba.lcut(text)) for text in (REPLY, REFERENCE)]
    cut = sacrebleu.sentence_bleu(words[0], [words[1]], tokenize="none", use_effective_order=True).score / 100
    assert TextOverlap("bleu", "jieba").score(asked).value == pytest.approx(cut)


@pytest.mark.parametrize("metric", ["rouge_l", "bleu", "chrf"])
@pytest.mark.parametrize("tokenizer", ["zh", "jieba"])
def test_overlap_of_extremes(metric, tokenizer):
    reward = TextOverlap(metric, tokenizer)
    assert reward.score(sample(REFERENCE, reference=REFERENCE)).value == pytest.approx(1.0)
    assert reward.score(sample("", reference=REFERENCE)).value == 0.0
    assert reward.score(sample(f"<think>{REFERENCE}</think>", reference=REFERENCE)).value == 0.0
    assert reward.score(sample("xyz", reference=REFERENCE)).value < 0.1
    assert reward.score(sample(REPLY)).error.kind == "bad_gold"
    assert reward.check(sample(REPLY, reference=" ")) == "there is no reference to compare with"


@pytest.mark.parametrize(
    ("said", "gold", "value"),
    [("0.333334", "0.333333", 0.0), ("0.3333333", "0.333333", 1.0), ("0.3333337", "0.333333", 0.0)],
)
def test_numbers_are_compared_to_the_sixth_place(said, gold, value):
    assert Numeric().score(sample(said, gold)).value == value


def test_a_gold_of_blanks_is_no_number_and_a_command_needs_no_dollars():
    assert Numeric().check(sample("", " ")) == "gold ' ' is no number or expression"
    assert Numeric().score(sample(r"\frac{1}{2}", "0.5")).value == 1.0
    assert Numeric().score(sample("答案：$0.5$", r"\frac{1}{2}")).value == 1.0


def test_libraries_keep_their_chatter_to_themselves():
    jieba.setLogLevel(logging.DEBUG)
    logging.getLogger("math_verify").setLevel(logging.DEBUG)
    assert tokens("心理咨询 很好", "jieba") == ["心理咨询", "很", "好"]
    assert Numeric().score(sample("1.25", "5/4")).value == 1.0
    assert jieba.default_logger.level == logging.WARNING
    assert logging.getLogger("math_verify").level == logging.ERROR


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (r"\boxed{1} 与 <answer>2</answer>", "2"),
        (r"<answer>1</answer> 与 \boxed{2}", "2"),
        ("<answer>1</answer><ANSWER>\n2\n</ANSWER>", "2"),
        (r"\boxed{1}，即 \boxed {a{b}c}d", "a{b}c"),
        (r"\boxed{没有合上{", "没有合上{"),
        ("答案：1\n答案是：2\n再想想", "2"),
        ("答案：1 <answer>2</answer>", "2"),
        (r"答案：1。也就是 \boxed{2}", "2"),
        ("最终答案： ** 12 ** ", "12"),
        ("The answer is 7", "7"),
        ("  就是它 ", "就是它"),
    ],
)
def test_what_a_reply_states(answer, said):
    assert stated_answer(answer) == said


@pytest.mark.parametrize(
    ("gold", "points"),
    [
        ("甲；乙;丙。丁\n戊", 5),
        ("1. 甲 2. 乙", 2),
        ("(1) 甲，(12) 乙、3) 丙", 3),
        ("①甲②乙⑳丙", 3),
        ("甲2.5乙", 1),
        ("甲|乙；|；甲|乙", 1),
    ],
)
def test_what_parts_key_points(gold, points):
    assert len(keypoints(gold)) == points


def test_blanks_case_and_marks_around_a_text_do_not_matter_but_those_within_do():
    for said in ("《 Das  Ich 》。", "“das ich”", "DAS ICH ! ?", "dasich"):
        assert ExactText().score(sample(said, "das Ich")).value == 1.0
    assert ExactText().score(sample("das-ich", "das Ich")).value == 0.0
    assert ExactText().score(sample("乙", "甲|乙|")).value == 1.0
