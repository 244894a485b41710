"""Options in a new order: the gold follows its texts, and options that speak of others stay put."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psyche_rl.questions.option_order import shuffle_options
from psyche_rl.records import LETTERS, Question


def question(options: tuple[str, ...], gold: str) -> Question:
    return Question(id="q", kind="multiple", stem="题干", options=options, gold=gold, source="test")


@st.composite
def questions(draw) -> Question:
    texts = draw(st.lists(st.text("甲乙丙丁戊己", min_size=1), min_size=2, max_size=8, unique=True))
    letters = st.sets(st.sampled_from(LETTERS[: len(texts)]), min_size=1)
    return question(tuple(texts), "".join(sorted(draw(letters))))


def gold_texts(q: Question) -> set[str]:
    return {q.options[LETTERS.index(letter)] for letter in q.gold}


@given(questions(), st.integers())
def test_the_gold_names_the_same_texts_in_sorted_letters(before, seed):
    after = shuffle_options(before, random.Random(seed))
    assert sorted(after.options) == sorted(before.options)
    assert gold_texts(after) == gold_texts(before)
    assert list(after.gold) == sorted(set(after.gold))
    unchanged = {"options", "gold"}
    assert after.model_dump(exclude=unchanged) == before.model_dump(exclude=unchanged)


@given(questions(), st.integers())
def test_the_same_seed_gives_the_same_order(q, seed):
    assert shuffle_options(q, random.Random(seed)) == shuffle_options(q, random.Random(seed))


def test_every_order_comes_up():
    q = question(("甲", "乙", "丙"), "A")
    rng = random.Random(0)
    assert len({shuffle_options(q, rng).options for _ in range(200)}) == 6


@pytest.mark.parametrize(
    "option",
    [
        "以上都对", "以上均不正确", "上述各项", "前三项", "A和B都对", "A、C", "B与D", "三者都正确",
        "二者均正确", "两种说法都错", "A+B", "Both A and B", "Neither A nor B", "All of the above",
        "none of these",
    ],
)  # fmt: skip
def test_options_that_speak_of_other_options_stay(option):
    q = question(("内隐记忆", "外显记忆", "感觉记忆", option), "D")
    assert all(shuffle_options(q, random.Random(seed)) == q for seed in range(20))


def test_a_question_without_options_stays():
    short = Question(id="q", kind="short", stem="题干", gold="要点", source="test")
    assert shuffle_options(short, random.Random(0)) == short
