"""Options that speak of others are known, in both languages; those that only look so may move."""

import random

import pytest

from psyche_rl.questions.option_order import balanced, may_be_shuffled, shuffle_options
from psyche_rl.questions.option_references import refers_to_others
from psyche_rl.records import Question

CHINESE = (
    "以上都对", "以上均不正确", "以上", "以上皆是", "以上全部", "以上三项", "以上说法都不对",
    "以下都不对", "除以上外", "上述各项", "同上", "前三项", "前两项", "前面各项", "前两者", "前三种",
    "前二项都对", "前面三项", "前面都对", "前三个", "前三个都对", "前两个选项", "后两项", "第一项",
    "选项A", "A项正确", "B选项", "A和B都对", "A、C", "B与D", "A或B", "A及C", "A以及D", "A+B", "A/B",
    "A，B，C", "Ａ和Ｂ", "А和В", "Ⓐ和Ⓑ", "(A)和(B)", "只有A和B", "AB都对", "ABC", "A-C均对", "A至C",
    "除A外", "A对B错", "其余都不对", "其他选项", "其他", "其他三项", "这三种都是", "没有正确答案",
    "无正确答案", "都对", "都不是", "均可", "皆是", "全对", "全部正确", "全都是", "三者都正确",
    "二者均正确", "两种说法都错", "两者兼有", "兼而有之",
)  # fmt: skip
ENGLISH = (
    "All of the above", "None of the above.", "ALL OF THE ABOVE", "all the above", "all of these",
    "none of these", "none of them", "two of the above", "any of the above", "the above statements",
    "None of the others", "A and B", "A & B", "A or B", "A, B", "A, B, and C", "A/B", "(A) and (B)",
    "A. and B.", "A but not B", "a and c", "Both A and B", "both a and b", "Neither A nor B",
    "Either A or B", "Both (a) and (b)", "Option B", "Options A and C", "answers b and c", "answer (a)",
    "A only", "only A", "Both", "Neither", "None", "All", "both are correct", "Both of these",
    "Both options", "all are true", "Both depression and anxiety", "Neither sleep nor rest",
    "no correct answer", "the first two", "The first two options", "Other options are wrong",
    "all answers are correct",
)  # fmt: skip
OTHERS = (
    "前两周", "前三个月", "前两年", "A型人格", "A型", "先后两种", "走在发展前面", "以上肢为主",
    "60分以下", "前额叶", "大脑前面", "前意识", "前摄抑制", "前者高于后者", "第一印象", "第一信号系统",
    "首都", "平均", "均值", "全或无", "同化", "甲和乙", "ABC理论", "维生素A", "T检验", "DSM-5", "GABA",
    "焦虑和抑郁", "其次", "全面", "Both parents attend", "attend to both parents", "the first two years",
    "above average", "above-average scores", "a good answer", "answer a question",
    "choice a person makes", "Type A personality", "help each other", "vitamin A",
    "Anxiety and depression", "everything or nothing", "bothered by noise", "nonetheless", "allergy",
)  # fmt: skip


@pytest.mark.parametrize("option", [*CHINESE, *ENGLISH])
def test_neither_shuffling_nor_balancing_moves_what_speaks_of_others(option):
    q = Question(
        id="q",
        kind="single",
        stem="题干",
        options=("内隐记忆", "外显记忆", "感觉记忆", option),
        gold="D",
        source="t",
    )
    assert not may_be_shuffled(q)
    assert all(shuffle_options(q, random.Random(seed)) == q for seed in range(8))
    assert all(balanced([q], seed) == [q] for seed in range(8))


@pytest.mark.parametrize("option", OTHERS)
def test_what_only_looks_so_may_move(option):
    assert not refers_to_others(option)
