"""Near-duplicates: found, listed with their keeper, and the first in order kept."""

import doctest
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_pipeline.dedup import NearDuplicates, near_duplicates, unique_passages, unique_questions
from data_pipeline.dedup.near_duplicates import shingles
from psyche_rl.config.dedup import DedupConfig
from psyche_rl.records import Passage, Question

CONFIG = DedupConfig()
ALPHABET = [chr(0x4E00 + i) for i in range(500)]
LONG = random.Random(1).choices(ALPHABET, k=200)


def passage(id_: str, text: str) -> Passage:
    return Passage(id=id_, text=text, source="t", row=1)


def question(id_: str, stem: str, *options: str) -> Question:
    return Question(id=id_, kind="single", stem=stem, options=options, gold="A", source="t")


def test_a_repeat_in_other_characters_points_to_the_first():
    kept, left_out = unique_passages(
        [
            passage("first", "".join(LONG)),
            passage("other", "".join(LONG[100:] + LONG[100:][::-1])),
            passage("spaced", " ".join(LONG)),
            passage("edited", "".join([*LONG[:150], "。新", *LONG[151:]])),
        ],
        CONFIG,
    )
    assert [p.id for p in kept] == ["first", "other"]
    assert [(d.id, d.keeper) for d in left_out] == [("spaced", "first"), ("edited", "first")]
    assert left_out[0].jaccard == 1.0
    assert 0.85 < left_out[1].jaccard < 1


def test_options_in_another_order_are_the_same_question_and_other_options_are_not():
    options = ("遗忘先快后慢", "遗忘先慢后快", "遗忘速度不变", "睡眠妨碍遗忘")
    kept, left_out = unique_questions(
        [
            question("a", "下列说法正确的是", *options),
            question("b", "下列说法正确的是（ ）", *options[::-1]),
            question(
                "c", "下列说法正确的是", "注意容量有限", "习惯化是学习", "同时做两事会干扰", "感觉会适应"
            ),
        ],
        CONFIG,
    )
    assert [q.id for q in kept] == ["a", "c"]
    assert [(d.id, d.keeper, d.jaccard) for d in left_out] == [("b", "a", 1.0)]


def test_questions_of_a_case_are_told_apart_by_what_they_ask_and_by_their_case():
    case, other = "".join(LONG), "".join(LONG[::-1])
    asked = [
        question("a", "对该求助者的初步诊断是", "抑郁症", "焦虑症").model_copy(update={"case": case}),
        question("b", "适合的咨询方法包括", "系统脱敏", "合理情绪").model_copy(update={"case": case}),
        question("c", "对该求助者的初步诊断是", "抑郁症", "焦虑症").model_copy(update={"case": other}),
        question("d", "对该求助者的初步诊断是（ ）", "焦虑症", "抑郁症").model_copy(
            update={"case": case + "。"}
        ),
    ]
    kept, left_out = unique_questions(asked, CONFIG)
    assert [q.id for q in kept] == ["a", "b", "c"]
    assert [(d.id, d.keeper) for d in left_out] == [("d", "a")]


def test_switched_off_and_nothing_to_compare():
    twice = [passage("a", "。。。"), passage("b", "。。。")]
    assert unique_passages(twice, CONFIG) == (twice, [])
    same = [passage("a", "一样的文字"), passage("b", "一样的文字")]
    assert len(unique_passages(same, CONFIG)[0]) == 1
    assert unique_passages(same, DedupConfig(enabled=False)) == (same, [])


@given(st.lists(st.sampled_from(range(6)), max_size=30), st.integers(0, 2**32))
def test_each_text_is_kept_once_and_where_the_stream_is_cut_plays_no_part(order, seed):
    texts = ["".join(random.Random(n).choices(ALPHABET, k=60)) for n in range(6)]
    entries = [(f"{place}", shingles(texts[n], 3)) for place, n in enumerate(order)]
    found = list(NearDuplicates(CONFIG).add(entries))
    first = {n: f"{order.index(n)}" for n in order}
    assert [f and f.keeper for f in found] == [
        None if first[n] == str(place) else first[n] for place, n in enumerate(order)
    ]
    cut = seed % (len(entries) + 1)
    index = NearDuplicates(CONFIG)
    assert [*index.add(entries[:cut]), *index.add(entries[cut:])] == found


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9)), max_size=25))
def test_leaving_out_of_the_index_what_resembles_nothing_changes_nothing(drawn):
    def text(n, edits):
        letters = random.Random(n).choices(ALPHABET, k=40)
        for at in range(edits):
            letters[at * 4] = ALPHABET[n]
        return "".join(letters) if n else ""

    passages = [passage(f"{place}", text(*of)) for place, of in enumerate(drawn)]
    found = NearDuplicates(CONFIG).add((p.id, shingles(p.text, CONFIG.shingle)) for p in passages)
    pairs = list(zip(passages, found, strict=True))
    expected = [p for p, repeat in pairs if repeat is None], [r for _, r in pairs if r is not None]
    assert unique_passages(passages, CONFIG) == expected


def test_what_is_found_follows_the_threshold():
    draw = random.Random(3)
    pairs, recalled, wrong = 300, 0, 0
    for n in range(pairs):
        base = draw.choices(ALPHABET, k=100)
        near, far = list(base), list(base)
        near[draw.randrange(100)] = "甲"  # 3 of 98 shingles: J = 0.94
        for at in range(n % 5, 100, 7):
            far[at] = "乙"  # J about 0.4
        entries = [(name, shingles("".join(t), 3)) for name, t in (("a", base), ("b", near), ("c", far))]
        _, similar, different = NearDuplicates(CONFIG).add(entries)
        recalled += similar is not None
        wrong += different is not None
    assert (recalled, wrong) == (pairs, 0)


def test_bands_must_divide_the_permutations():
    with pytest.raises(ValueError, match="does not divide"):
        DedupConfig(permutations=128, bands=30)


def test_the_example_in_the_docstring():
    assert doctest.testmod(near_duplicates).failed == 0
