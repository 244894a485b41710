"""JSON in replies: found in every wrapping, never in a draft or a reference, and whole or not at all."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rewards.text.json_syntax import BrokenJsonError, read_value
from rewards.text.json_values import json_values
from rewards.text.unicode import whole_characters

SCRAPS = (
    "原文[1]",
    "{x}",
    "[见上]",
    "```",
    '"',
    "{",
    "]",
    '{"stem": "草稿"}',
    "[2]",
    "，",
    "\n",
    '["',
    "<b>",
)
STRINGS = st.text(max_size=8) | st.sampled_from(
    ["<think>", "</think>", "```", "a,]", ",}", '\\"', "[1]", "根据原文[1]：", "\n```json\n", "{", "😀"]
)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | STRINGS
)
VALUES = st.recursive(
    SCALARS,
    lambda some: st.lists(some, max_size=4) | st.dictionaries(STRINGS, some, max_size=4),
    max_leaves=12,
).filter(lambda value: isinstance(value, dict | list))
DRAFTS = st.lists(st.sampled_from(SCRAPS) | st.text("想一二<>ab", max_size=4), max_size=6).map("".join)
TAGS = st.sampled_from(
    [("<think>", "</think>"), ("<Thinking a='1'>", "</Thinking>"), ("", "</think>"), ("", "")]
)
WORDS = st.lists(
    st.sampled_from(["好的", "根据原文[1]：", "见[2]、[3]。", "{如下}", "：", " "]), max_size=4
).map("".join)


@st.composite
def surplus_commas(draw, value):
    """A value as JSON, now and then with a comma before a closing bracket."""
    comma = "," if draw(st.booleans()) else ""
    if isinstance(value, dict) and value:
        inner = [f"{json.dumps(k)}: {draw(surplus_commas(v))}" for k, v in value.items()]
        return "{" + ", ".join(inner) + comma + "}"
    if isinstance(value, list) and value:
        return "[" + ",\n ".join(draw(surplus_commas(item)) for item in value) + comma + "]"
    return json.dumps(value, ensure_ascii=draw(st.booleans()))


@settings(max_examples=300)
@given(st.data(), VALUES, TAGS, DRAFTS, WORDS, WORDS)
def test_any_value_comes_back_from_any_wrapping(data, value, tags, draft, before, after):
    said = data.draw(surplus_commas(value))
    wrapped = data.draw(
        st.sampled_from(
            [f"\n{said}\n", f"\n```json\n{said}\n```\n", f"\n```\n{said}```\n", f"\n```JSON {said}"]
        )
    )
    after = "" if wrapped.endswith(said) else after
    thought = f"{tags[0]}{draft}{tags[1]}" if any(tags) else ""
    found = json_values(f"{thought}{before}{wrapped}{after}")
    assert [each.value for each in found] == [_whole(value)]


def _whole(value):
    return json.loads(json.dumps(value))


@pytest.mark.parametrize(
    ("reply", "values"),
    [
        ("[1, 2]", [[1, 2]]),
        ("结果：[1, 2]", [[1, 2]]),
        ('{"a": 1} {"a": 2}\n{"a": 3}', [{"a": 1}, {"a": 2}, {"a": 3}]),
        ('格式如{"a": 0}：\n```json\n{"a": 1}\n```', [{"a": 1}]),
        ('格式如{"a": 一}：\n{"a": 1}', [{"a": 1}]),
        ('```json\n{"a": 1}\n{"a": 2}\n```', [{"a": 1}, {"a": 2}]),
        ('{"a": 0}<think>不对</think>{"a": 1}', [{"a": 1}]),
        ('<think>一<think>二</think>{"a": 0}</think>{"a": 1}', [{"a": 1}]),
        ('草稿[{"a": "</think>\n{"a": 1}', [{"a": 1}]),
        ('<think>```json\n{"a": 0}</think>```json\n{"a": 1}\n```', [{"a": 1}]),
        ('{"a": "半\\ud83d"}', [{"a": "半"}]),
        ('{"a": "整\\ud83d\\ude00"}', [{"a": "整😀"}]),
        ('{"a": "半\ud83d"}', [{"a": "半"}]),
    ],
)
def test_which_values_count(reply, values):
    assert [each.value for each in json_values(reply)] == values


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ("好的。", "no JSON"),
        ("根据原文[1]：好的", "no JSON"),
        ("见[1]、[2, 3]。", "no JSON"),
        ('<think>{"a": 1}', "no JSON"),
        ('<Thinking>[{"a": 1}]\n```json\n[{"a": 1}]\n```', "no JSON"),
        ('{"a": 1}</think>', "no JSON"),
        ('{"a": 1}<think/>', "no JSON"),
        ('{"a": 1}<think>还行', "its think block is never closed"),
        ('<think>一</think>{"a": 1}<think>二', "its think block is never closed"),
        ("{'a': 1}", "no JSON"),
        ('[{"a": 1}, {"a"', "broken JSON"),
        ('{"a": 1}\n{"a": 一}\n{"a": 3}', "broken JSON"),
        ('1. {"a": 1}\n2. {"a": 一}', "broken JSON"),
        ('好的：{"a": 1}, {"a": 一}', "broken JSON"),
        ('{"a": 0}\n```json\n[{"a": 1}, {"a', "broken JSON"),
        ('{"a": ' + "9" * 5000 + "}", "broken JSON"),
        ("[" * 300 + "]" * 300, "levels deep"),
        ('{"a":' * 5000 + "1" + "}" * 5000, "levels deep"),
    ],
)
def test_what_is_no_whole_answer_is_an_error(reply, why):
    with pytest.raises(ValueError, match=why) as caught:
        json_values(reply)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "scrap", ["[", "{", "[a", "[1", '["', '{"a":[', '{"a":1 x}', '["a" x]', "[1]", "```", "<think>"]
)
def test_long_nonsense_takes_no_long_time(scrap):
    began = time.process_time()
    with pytest.raises(ValueError, match="JSON"):
        json_values(scrap * (10_000 // len(scrap)))
    assert time.process_time() - began < 5


@given(st.text(st.characters(), max_size=20) | st.text("\ud83d\ude00a好", max_size=6))
def test_whole_characters_can_be_written(text):
    mended = whole_characters(text)
    mended.encode()
    if not any("\ud800" <= c <= "\udfff" for c in text):
        assert mended == text


def test_where_a_reply_was_cut_off_does_not_depend_on_blanks_behind_it():
    """It goes into the question that is asked again, and so decides the next reply."""
    for blanks in ("", " ", "\n  "):
        with pytest.raises(ValueError, match=r"at character 9$"):
            json_values('[{"a": 1,' + blanks)


@pytest.mark.parametrize(
    ("text", "at", "value", "end"),
    [
        ('x{"a": 1}y', 1, {"a": 1}, 9),
        ('x{"a": 1,}y', 1, {"a": 1}, 10),
        ('x["a", "b",]', 1, ["a", "b"], 12),
        ('{"a": [1, {"b": 2,},],}', 0, {"a": [1, {"b": 2}]}, 23),
        ("[,]", 0, [], 3),
        ("[]x", 0, [], 2),
        ('["a,]", 1]', 0, ["a,]", 1], 10),
        ('["a\nb"]', 0, ["a\nb"], 7),
    ],
)
def test_a_value_and_where_it_ends(text, at, value, end):
    assert read_value(text, at) == (value, end)


@pytest.mark.parametrize(
    ("text", "at", "why", "end"),
    [
        ("x{y}", 1, "no JSON in the reply: its brackets are words", 2),
        ('x{"a": 1 "b": 2}y', 1, "broken JSON: Expecting ',' delimiter at character 8", 16),
        ('{"a": 1', 0, "broken JSON: Expecting ',' delimiter at character 7", None),
        ('{"a": "b', 0, "broken JSON: Unterminated string starting at at character 6", None),
    ],
)
def test_why_a_value_cannot_be_read_and_where_it_ends(text, at, why, end):
    with pytest.raises(BrokenJsonError) as caught:
        read_value(text, at)
    assert (str(caught.value), caught.value.end) == (why, end)


def test_a_hundred_levels_are_read_and_one_more_is_not():
    assert read_value("[" * 100 + "]" * 100, 0)[1] == 200
    assert read_value('["' + "[{" * 101 + '"]', 0) == (["[{" * 101], 206)
    mixed = '[{"a": ' * 50 + "1" + "}]" * 50
    assert read_value(mixed, 0)[1] == len(mixed)
    for deep in ("[" * 101 + "]" * 101, f"[{mixed}]", "[" * 99 + "[], [[]]" + "]" * 99):
        with pytest.raises(BrokenJsonError, match="more than 100 levels deep") as caught:
            read_value(deep, 0)
        assert caught.value.end == len(deep)


def test_a_bracket_of_prose_is_closed_within_500_characters():
    for chars, fine in ((495, True), (496, False)):
        text = '["' + "x" * chars + '",]等'
        if fine:
            assert read_value(text, 0) == (["x" * chars], 500)
        else:
            with pytest.raises(BrokenJsonError, match="broken JSON"):
                read_value(text, 0)
    assert read_value('{"a": "' + "x" * 900 + '",}', 0)[1] == 910


def test_a_reply_is_given_up_after_twenty_broken_values():
    for broken, values in ((20, [{"a": 1}]), (21, None)):
        reply = '{"a": 一}\n' * broken + '</think>\n{"a": 1}'
        if values:
            assert [each.value for each in json_values(reply)] == values
        else:
            with pytest.raises(BrokenJsonError, match="broken JSON"):
                json_values(reply)


@pytest.mark.parametrize(
    ("reply", "stands", "fenced"),
    [
        ('{"a": 1}', [True], [False]),
        ('好的{"a": 1}', [False], [False]),
        ('好的{"a": 1}，{"a": 2}', [False, True], [False, False]),
        ('好的{"a": 1}和{"a": 2}', [False, False], [False, False]),
        (' 12. {"a": 1}\n- {"a": 2}\n• {"a": 3}', [True] * 3, [False] * 3),
        ('1234. {"a": 1}', [False], [False]),
        ('```json\n好的{"a": 1}\n```', [True], [True]),
        ('```\n{"a": 1}\n```\n{"a": 2}', [True], [True]),
        ('草稿{"a": 0}\n{"a": 1}', [False, True], [False, False]),
    ],
)
def test_whether_a_value_stands_by_itself(reply, stands, fenced):
    found = json_values(reply)
    assert [each.stands for each in found] == stands
    assert [each.is_fenced for each in found] == fenced


@pytest.mark.parametrize(
    ("reply", "values"),
    [
        ("[1]", [[1]]),
        ("- [1, 2.5]。", [[1, 2.5]]),
        ("结果:  [1]", [[1]]),
        ("结果=[1]\n好的", [[1]]),
        ("结果：    [1]", None),
        ("见[1]", None),
        ("[1]见上", None),
        ('见["a"]', [["a"]]),
        ("见[1, true]", [[1, True]]),
        ("见[]", None),
        ("```\n见[1]上\n```", [[1]]),
    ],
)
def test_a_list_of_numbers_amid_words_is_a_reference(reply, values):
    if values is None:
        with pytest.raises(ValueError, match="no JSON"):
            json_values(reply)
    else:
        assert [each.value for each in json_values(reply)] == values


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ('{"a": 一}\n["b" 二]', "character 6"),
        ("好{x}的[见", "its brackets are words"),
        ('{"a": 1}\n```\n{"b": 二}\n```', "character 6"),
        ('<think>{"a": 1}</think>好的', "no JSON in the reply"),
        ('{"a": 1}<think>{"b"', "its think block is never closed"),
        ('{"a": 一}<think>好</think>{"b": 1}', None),
        ('{"a": 一}\n<think>好</think>不知道', "no JSON in the reply"),
        ('{"a": 1}<think>好</think>不知道', "no JSON in the reply"),
        ('{"a": 0}<think>好</think>{"b": 二}', "character 6"),
        ('{"a": 0}<think>好</think>\n{"b": 二}', "character 6"),
    ],
)
def test_which_fault_counts(reply, why):
    if why is None:
        assert len(json_values(reply)) == 1
    else:
        with pytest.raises(BrokenJsonError, match=why):
            json_values(reply)
