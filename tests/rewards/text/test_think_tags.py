"""Think tags in every spelling, and what of a reply they leave."""

import time

import pytest

from rewards import RewardSample, ThinkFormat, extract_answer
from rewards.reply import answer_part
from rewards.text.think_tags import Tag, answer_start, think_blocks, think_tags

OPTIONS = ("编码", "储存", "提取", "跑步")


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("<think>", "</think>"),
        ("<thinking>", "</thinking>"),
        ("<THINK>", "</Think>"),
        ('<think effort="high" budget=200>', "</think>"),
        ("<thinking note='a > b'>", "</thinking >"),
        ("< think >", "< / think >"),
        ("<think hidden>", "</thinking>"),
    ],
)
def test_a_draft_is_no_answer_in_any_spelling(opening, closing):
    reply = f"{opening}答案：A{closing}答案：B"
    assert answer_part(reply) == "答案：B"
    assert extract_answer(reply, OPTIONS).letters == "B"
    assert think_blocks(reply) == ["答案：A"]
    assert extract_answer(f"{opening}答案：A", OPTIONS).rule == "think_unclosed"
    assert extract_answer(f"答案：A{closing}我不知道", OPTIONS).letters is None


@pytest.mark.parametrize("text", ["<thinker>", "<th ink>", "＜thought＞", "a < think", "<rethink>", "<think"])
def test_other_words_are_no_tags(text):
    assert answer_start(text) == 0


def test_an_empty_tag_opens_nothing():
    assert answer_part("<think/>答案：B") == "答案：B"


def test_half_tags_take_linear_time():
    began = time.process_time()
    for text in ("<think " * 20_000, '<think "' * 20_000, "<think a='" * 20_000):
        assert answer_start(text) == 0
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ("<think>想</think>答案：B", 1.0),
        ("<thinking>想</thinking>答案：B", 0.0),  # the paper's template has no other tags
        ("<think>想</think>答案：B<thinking>又想", 0.0),
        ("<think>想</think>答案：B</THINK>", 0.0),
    ],
)
def test_the_format_has_one_block_in_the_papers_tags(reply, value):
    sample = RewardSample(id="1", response=reply, gold="B", kind="single")
    assert ThinkFormat().score(sample).value == value


@pytest.mark.parametrize(
    ("reply", "blocks"),
    [
        ("<think>一</think>答<think>二</think>案", ["一", "二"]),
        ("<think>一<think>二</think>三</think>", ["二"]),
        ("一</think>二<think>三", []),
        ("<think/>一</think>", []),
        ("<think></think>", [""]),
    ],
)
def test_blocks_are_what_stands_between_a_tag_and_the_next_that_closes(reply, blocks):
    assert think_blocks(reply) == blocks


def test_tags_have_places_and_can_be_looked_for_from_a_place_on():
    text = "<think>一</think>二<think/>"
    assert list(think_tags(text)) == [Tag(0, 7, False), Tag(8, 16, True), Tag(17, 25, True)]
    assert list(think_tags(text, 1)) == list(think_tags(text))[1:]
