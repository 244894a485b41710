"""Questions made of cards: right keys, nothing shared between splits, faulty keys, rationales that agree."""

import random
import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psyche_rl.mini.cards import mini_cards, owners
from psyche_rl.mini.world import (
    FRAMES,
    LETTERS,
    VERDICTS,
    ExamShape,
    WorldQuestion,
    build_exam,
    faulty_key,
    frame_split,
    make_question,
    options_split,
    rationale,
    teacher_key,
)

CARDS = mini_cards()
OWNER = owners(CARDS)
SEEDS = st.integers(0, 10_000)
SPLITS = st.sampled_from(["train", "dev", "test"])
FEW = settings(max_examples=25, deadline=None)


@st.composite
def made(draw) -> WorldQuestion:
    rng = random.Random(draw(SEEDS))
    kind = draw(st.sampled_from(["single", "multiple"]))
    return make_question(CARDS, draw(st.integers(0, 71)), kind, rng, draw(SPLITS))


@cache
def held_out(seed: int) -> tuple[set[str], set[frozenset[str]]]:
    """Stems and option sets of both held-out exams."""
    exam = build_exam(CARDS, seed, 80, "dev") + build_exam(CARDS, seed, 80, "test")
    return {q.stem for q in exam}, {frozenset(q.options) for q in exam}


@FEW
@given(SEEDS, SEEDS)
def test_no_stem_and_no_set_of_options_of_an_exam_is_ever_seen_in_training(exam_seed, train_seed):
    stems, option_sets = held_out(exam_seed % 5)
    rng = random.Random(train_seed)
    for concept in rng.sample(range(len(CARDS)), 60):
        q = make_question(CARDS, concept, rng.choice(("single", "multiple")), rng, "train")
        assert q.stem not in stems
        assert frozenset(q.options) not in option_sets
        assert options_split(q.options) == "train"  # whatever exam there may be


def test_dev_and_test_share_no_stem_and_no_set_of_options():
    dev, test = build_exam(CARDS, 0, 200, "dev"), build_exam(CARDS, 0, 200, "test")
    assert not {q.stem for q in dev} & {q.stem for q in test}
    assert {options_split(q.options) for q in dev} == {"dev"}
    assert {options_split(q.options) for q in test} == {"test"}


def test_each_concept_holds_one_frame_out_for_dev_and_one_for_test():
    for concept in range(72):
        splits = [frame_split(concept, frame) for frame in range(len(FRAMES))]
        assert sorted(splits) == ["dev", "test"] + ["train"] * 6


@given(st.lists(st.sampled_from(sorted(OWNER)), min_size=4, max_size=4, unique=True), SEEDS)
def test_a_set_of_options_has_its_split_in_any_order(options, seed):
    shuffled = random.Random(seed).sample(options, len(options))
    assert options_split(options) == options_split(shuffled)


def test_most_sets_of_options_are_for_training():
    rng = random.Random(0)
    splits = [options_split(rng.sample(sorted(OWNER), 4)) for _ in range(2000)]
    assert {split: round(splits.count(split) / 2000, 1) for split in set(splits)} == {
        "train": 0.8, "dev": 0.1, "test": 0.1,
    }  # fmt: skip


@FEW
@given(made())
def test_the_key_names_exactly_the_options_of_the_concept(q):
    right = [letter for letter, option in zip(LETTERS, q.options, strict=False) if OWNER[option] == q.concept]
    assert q.gold == "".join(right)
    assert len(q.gold) == 1 if q.kind == "single" else len(q.gold) == 3
    assert len(set(q.options)) == 4
    wrong = [OWNER[option] for option in q.options if OWNER[option] != q.concept]
    assert len(set(wrong)) == len(wrong)
    assert q.concept in q.stem
    assert q.stem.startswith("单选题：" if q.kind == "single" else "多选题：")


def test_an_exam_has_its_share_of_kinds_and_all_concepts_and_depends_on_its_seed():
    exam = build_exam(CARDS, 0, 144, "test", ExamShape(multiple_share=0.25))
    assert [q.kind for q in exam].count("multiple") == 36
    assert {q.concept for q in exam} == {card.name for card in CARDS}
    assert exam == build_exam(CARDS, 0, 144, "test", ExamShape(multiple_share=0.25))
    assert exam != build_exam(CARDS, 1, 144, "test", ExamShape(multiple_share=0.25))


def keyed(gold: str, kind: str = "multiple") -> WorldQuestion:
    return WorldQuestion(kind, "从众", "题干", ("甲", "乙", "丙", "丁"), gold)


@pytest.mark.parametrize(("gold", "faulty"), [("ABD", "AB"), ("BC", "B"), ("A", "A")])
def test_a_faulty_key_lacks_the_last_right_option(gold, faulty):
    assert faulty_key(keyed(gold), random.Random(0)) == faulty


def test_a_faulty_key_may_lack_any_right_option():
    found = {faulty_key(keyed("ABD"), random.Random(seed), "random") for seed in range(50)}
    assert found == {"AB", "AD", "BD"}


def test_a_teacher_is_faulty_at_its_rate_and_in_multiple_choice_alone():
    rng = random.Random(0)
    keys = [teacher_key(keyed("ABD"), rng, 0.7) for _ in range(2000)]
    assert set(keys) == {"ABD", "AB"}
    assert 0.66 < keys.count("AB") / 2000 < 0.74
    assert {teacher_key(keyed("B", "single"), rng, 1.0) for _ in range(50)} == {"B"}
    assert {teacher_key(keyed("ABD"), rng, 0.0) for _ in range(50)} == {"ABD"}


def verdicts(text: str) -> dict[str, str]:
    """Letter -> verdict, as the scan says."""
    found = re.findall(rf"([A-F])\.(?:[^;；]*?)({'|'.join(VERDICTS)})", text)
    return dict(found)


@FEW
@given(made(), SEEDS)
def test_a_rationale_agrees_with_the_key_it_is_given(q, seed):
    key = teacher_key(q, random.Random(seed), 0.5)
    said = verdicts(rationale(q, OWNER, key))
    assert "".join(said) == LETTERS[: len(q.options)]
    assert "".join(letter for letter, verdict in said.items() if verdict == VERDICTS[0]) == key
    assert rationale(q, OWNER) == rationale(q, OWNER, q.gold)


def test_a_rationale_names_the_concept_of_each_option_and_leaves_out_what_it_does_not_know():
    q = keyed("AC")
    assert rationale(q, {"甲": "从众", "乙": "服从"}) == "A.从众是；B.服从否；C.是；D.否；"
