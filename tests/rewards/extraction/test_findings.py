"""What has been found is kept letter by letter; the last verdict on a letter holds."""

import pytest

from rewards import extract_answer
from rewards.extraction.findings import Findings
from rewards.extraction.groups import read_group
from rewards.extraction.judgements import verdict
from rewards.extraction.options import option_table
from rewards.extraction.predicates import claimed
from rewards.extraction.question import question

OPTIONS = ("投射", "否认", "升华", "合理化")
TABLE = option_table(OPTIONS)


def findings(stem=""):
    return Findings(TABLE, question(stem)) if stem else Findings(TABLE)


def judge(found, letter, right, of_the_answer=False):
    found.judge(read_group(letter, 0, TABLE), right=right, of_the_answer=of_the_answer)


def test_a_verdict_takes_the_place_of_the_one_before():
    found = findings()
    judge(found, "A", right=False, of_the_answer=True)
    judge(found, "A", right=True)
    assert (set(found.judged), set(found.wrong), found.of_the_answer) == ({"A"}, set(), set())
    judge(found, "A", right=False)
    assert (set(found.judged), set(found.wrong)) == (set(), {"A"})


def test_the_verdicts_of_another_reading_come_with_what_they_are_about():
    found, other = findings(), findings()
    judge(found, "A", right=True)
    judge(other, "B", right=False)
    judge(other, "D", right=True, of_the_answer=True)
    found.take_judgements(other)
    assert (set(found.judged), set(found.wrong), found.of_the_answer) == ({"A", "D"}, {"B"}, {"D"})


@pytest.mark.parametrize("text", ["A或B正确。", "A或B是正确的，C错误"])
def test_a_hedged_group_that_is_judged_right_is_stated_up_to_the_end_of_the_verdict(text):
    found = findings()
    end = verdict(text, read_group(text, 0, TABLE), found)
    assert end is not None
    assert text[:end].endswith(("正确", "正确的"))
    assert found.declared.trouble == "ambiguous"


@pytest.mark.parametrize(
    ("said", "claim"), [("影响人际吸引的主要因素", "right"), ("影响态度的主要因素", None)]
)
def test_of_several_options_two_thirds_of_the_questions_words_are_enough_and_no_less(said, claim):
    assert claimed(said, question("下列属于影响人际吸引的主要因素的有"), several=True) == claim


def test_what_was_judged_wrong_and_then_right_is_no_answer_to_what_is_wrong():
    reply = "A错误，B正确，C正确，D正确。更正：A正确，D错误。"
    assert extract_answer(reply, OPTIONS, "下列说法错误的是").letters == "D"


def test_an_echo_of_the_question_asked_does_not_hide_the_made_up_one_after_it():
    listed = "A. 投射\nB. 否认\nC. 升华\nD. 合理化\n"
    stem = "把不被接受的冲动转为社会认可的活动称为"
    reply = f"题目：{stem}\n{listed}答案：C\n题目：把自己的愿望归于别人称为\n{listed}答案：A\n"
    assert extract_answer(reply, OPTIONS, stem).letters == "C"


def test_a_letter_that_ends_the_reply_after_its_text_counts_though_others_were_discussed_in_that_line():
    reply = "Denial (B) does not fit. What we see in this painter is sublimation C."
    assert extract_answer(reply, ("projection", "denial", "sublimation", "repression")).letters == "C"
