"""Extraction against the labelled corpora, and the invariants that no corpus can list.

``extraction_adversarial.jsonl`` was written and labelled before the rules met it, by how models word
their answers; ``extraction_corpus.jsonl`` documents each rule. A row's ``rule`` is the one that fires, and
``read`` what stands at the span: the words that were read as the answer, or that spoiled it.
"""

import json
import random
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rewards import extract_answer
from rewards.extraction import marks
from rewards.extraction.spelling import fold

CORPUS = [
    json.loads(line)
    for name in ("corpus", "adversarial")
    for line in (Path(__file__).parent / f"extraction_{name}.jsonl").read_text("utf-8").splitlines()
]
OPTIONS = ("内隐记忆", "外显记忆", "感觉记忆", "工作记忆", "情景记忆")

SEPARATORS = [
    "",
    "、",
    "，",
    ",",
    "/",
    " ",
    "；",
    "和",
    "与",
    "及",
    "以及",
    "+",
    "＆",
    " and ",
    "、选项",
    "”“",
]
STATEMENTS = [
    "答案：{}",
    "答案是{}。",
    "正确答案为：{}",
    "故选{}。",
    "应选 {}",
    "所以本题选{}",
    "正确选项是{}",
    "正確答案是{}",
    "本題應選{}。",
    "我的回答是：{}",
    "### 答案：`{}`",
    "【答案】{}【解析】略",
    "因此{}是正确答案",
    "{}均正确",
    "{}符合题意，其余不符合",
    "The answer is {}.",
    "The correct options are ({}).",
    "{} is correct.",
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


def test_the_corpora_are_right():
    wrong = []
    for row in CORPUS:
        found = extract_answer(row["text"], row["options"])
        read = found.span and row["text"][slice(*found.span)]
        if (found.letters, found.rule, read) != (row["letters"], row["rule"], row["read"]):
            wrong.append((row, found, read))
    assert wrong == []
    assert len(CORPUS) >= 1000


def test_an_answer_of_the_corpora_has_a_span_that_is_not_blank():
    for row in CORPUS:
        found = extract_answer(row["text"], row["options"])
        if found.letters is not None:
            assert found.span is not None, row
            assert row["text"][slice(*found.span)].strip(), row


def test_the_first_characters_of_marks_miss_no_mark():
    anywhere = re.compile(marks.MARK.pattern.removeprefix(f"(?={marks.FIRST})"))
    for row in CORPUS:
        text = fold(row["text"]).text
        for at in range(len(text)):
            if anywhere.match(text, at):
                assert marks.MARK.match(text, at), text[at:]


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
    found = extract_answer(text, OPTIONS)
    assert found.letters == gold
    read = unicodedata.normalize("NFKC", text[slice(*found.span)])
    assert set(re.findall("[A-Z]", read)) == set(gold)


LOOKS = ["ABCD", "ＡＢＣＤ", "АВСD", "ΑΒCD", "ⒶⒷⒸⒹ", "⒜⒝⒞⒟", "𝐀𝐁𝐂𝐃", "🅐🅑🅒🅓", "🄰🄱🄲🄳"]


@given(
    gold=golds,
    looks=st.sampled_from(LOOKS),
    blank=st.sampled_from(["", "\u200b", "\u3000", "\u2009", "\ufeff"]),
)
def test_letters_of_any_look_are_extracted_back(gold, looks, blank):
    rendered = "、".join(blank + looks["ABCD".index(x)] + blank for x in gold)
    assert extract_answer(f"答案：{rendered}。", OPTIONS).letters == gold


@given(
    gold=golds,
    form=st.sampled_from(["除{}外都选", "除了{}，其余都正确", "{}错误，其余均正确", "不选{}，其他都选"]),
)
def test_the_others_are_extracted(gold, form):
    others = "".join(x for x in "ABCDE" if x not in gold)
    assert extract_answer(form.format("、".join(gold)), OPTIONS).letters == others


@pytest.mark.parametrize("first", "ABC")
@pytest.mark.parametrize("form", ["答案：{}-{}", "选{}到{}", "{}～{}", "{}至{}均正确"])
def test_ranges_are_extracted(first, form):
    letters = "ABCDE"["ABC".index(first) :]
    assert extract_answer(form.format(first, "E"), OPTIONS).letters == letters


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
        assert 0 <= found.span[0] < found.span[1] <= len(text)


@given(
    letter=st.sampled_from("ABCD"),
    form=st.sampled_from(["不选{}", "排除{}", "答案不是{}", "不应选{}", "除了{}"]),
)
def test_a_negated_letter_is_never_an_answer(letter, form):
    assert extract_answer(form.format(letter), OPTIONS).letters is None
    other = random.Random(letter).choice([x for x in "ABCD" if x != letter])
    assert extract_answer(f"{form.format(letter)}，故选{other}", OPTIONS).letters == other


LONG = [
    "A",
    "(",
    "选",
    "<think>",
    "A、",
    "选A或",
    "答案：",
    "A，",
    "A\n",
    "不",
    "可能是A，",
    "\\boxed{",
    "~~A",
    "'",
    " \u200b",
]


@pytest.mark.parametrize("unit", LONG)
def test_long_repetitions_end(unit):
    text = unit * (100_000 // len(unit))
    found = extract_answer(text, ("选择性注意", *OPTIONS[1:]))
    assert found.span is None or 0 <= found.span[0] < found.span[1] <= len(text)


def test_without_options_every_letter_exists_but_texts_mean_nothing():
    assert extract_answer("答案：G", ()).letters == "G"
    assert extract_answer("以上都是", ()).letters is None


def test_letters_that_belong_to_a_word_are_no_letters():
    assert extract_answer("ZAB", OPTIONS).letters is None
    assert extract_answer("见附录ZAB，答案：C", OPTIONS).letters == "C"
