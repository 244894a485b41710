"""Extraction against the labelled corpus, and the invariants that no corpus can list."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rewards import extract_answer

CORPUS = [
    json.loads(line)
    for line in (Path(__file__).parent / "extraction_corpus.jsonl").read_text(encoding="utf-8").splitlines()
]
OPTIONS = ("内隐记忆", "外显记忆", "感觉记忆", "工作记忆", "情景记忆")

SEPARATORS = ["", "、", "，", ",", "/", " ", "；", "和", "与", "、选项"]
STATEMENTS = [
    "答案：{}",
    "答案是{}。",
    "正确答案为：{}",
    "故选{}。",
    "应选 {}",
    "所以本题选{}",
    "正确选项是{}",
    "The answer is {}.",
    "Answer: {}",
    r"\boxed{{{}}}",
    r"$\boxed{{\text{{{}}}}}$",
    "<answer>{}</answer>",
    "**答案：{}**",
    "答案：\n{}",
    "依据CCMD-3，排除了E型题的干扰，故选{}。",
    "先选E，不对。最终答案：{}",
]
BARE = ["{}", "{}。", "（{}）", "**{}**", "选项{}", "解析如下：记忆有多种。\n{}", "{}\n因为记忆有多种。"]

golds = st.sets(st.sampled_from("ABCD"), min_size=1).map(lambda letters: "".join(sorted(letters)))
any_text = st.text() | st.text(
    st.sampled_from(
        list("ABCDEF答案选正确错误不是或和与以上都、，。：；\n <>/{}\\thinkboxedansweris*项可能也更")
    ),
    max_size=60,
)


def full_width(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "A" <= c <= "Z" else c for c in text)


@pytest.mark.parametrize("row", CORPUS, ids=lambda row: f"{row['note']}: {row['text'][:24]!r}")
def test_corpus(row):
    found = extract_answer(row["text"], row["options"])
    assert found.letters == row["letters"]
    assert found.rule == row.get("rule", found.rule)


def test_every_rule_of_the_corpus_gives_its_span():
    for row in CORPUS:
        found = extract_answer(row["text"], row["options"])
        if found.letters is not None:
            assert found.span is not None
            start, end = found.span
            assert 0 <= start < end <= len(row["text"])


@given(
    gold=golds,
    separator=st.sampled_from(SEPARATORS),
    template=st.sampled_from(STATEMENTS + BARE),
    wide=st.booleans(),
    order=st.randoms(use_true_random=False),
)
@settings(max_examples=600)
def test_rendered_letters_are_extracted_back(gold, separator, template, wide, order):
    letters = list(gold)
    order.shuffle(letters)
    rendered = separator.join(letters)
    text = template.format(full_width(rendered) if wide else rendered)
    assert extract_answer(text, OPTIONS).letters == gold


@given(
    gold=golds,
    label=st.sampled_from([".", "、", "：", " ", "．", ". ", ""]),
    joint=st.sampled_from(["\n", "；", "，", "、"]),
    opening=st.sampled_from(["", "答案：", "答案是\n", "故选"]),
)
def test_letters_with_their_texts_are_extracted_back(gold, label, joint, opening):
    text = opening + joint.join(x + label + OPTIONS["ABCDE".index(x)] for x in gold)
    assert extract_answer(text, OPTIONS).letters == gold


@given(
    gold=golds,
    joint=st.sampled_from(["、", "\n", "，", "和"]),
    opening=st.sampled_from(["", "答案：", "故选"]),
)
def test_option_texts_are_extracted_back(gold, joint, opening):
    if joint == "\n" and opening:
        joint = "、"
    text = opening + joint.join(OPTIONS["ABCDE".index(x)] for x in gold)
    assert extract_answer(text, OPTIONS).letters == gold


@given(
    think=any_text,
    reply=st.sampled_from([row["text"] for row in CORPUS if "think" not in row["text"]]) | any_text,
)
def test_think_text_never_changes_the_outcome(think, reply):
    plain = extract_answer(f"<think></think>{reply}", OPTIONS)
    opened = f"<think>{think}</think>"
    shifted = extract_answer(opened + reply, OPTIONS)
    assert shifted[::2] == plain[::2]
    if plain.span is not None and "</think>" not in reply:
        shift = len(opened) - len("<think></think>")
        assert shifted.span == (plain.span[0] + shift, plain.span[1] + shift)


@given(text=any_text, options=st.lists(any_text, max_size=6))
@settings(max_examples=1000)
def test_no_input_raises_and_letters_are_sorted_options(text, options):
    found = extract_answer(text, options)
    if found.letters is not None:
        assert found.letters == "".join(sorted(set(found.letters)))
        assert set(found.letters) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: len(options) or 26])
    if found.span is not None:
        assert 0 <= found.span[0] <= found.span[1] <= len(text)


@given(
    letter=st.sampled_from("ABCD"),
    form=st.sampled_from(["不选{}", "排除{}", "答案不是{}", "不应选{}", "除了{}"]),
)
def test_a_negated_letter_is_never_an_answer(letter, form):
    assert extract_answer(form.format(letter), OPTIONS).letters is None
    other = random.Random(letter).choice([x for x in "ABCD" if x != letter])
    assert extract_answer(f"{form.format(letter)}，故选{other}", OPTIONS).letters == other


def test_without_options_every_letter_exists_but_texts_mean_nothing():
    assert extract_answer("答案：G", ()).letters == "G"
    assert extract_answer("以上都是", ()).letters is None
