"""Which questions a step asks: every one in turn, the same after a resume, golds that follow their texts."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loop_fakes import question

from psyche_rl.loops.prompt_schedule import PromptSchedule

SIZES = st.integers(1, 12)


def schedule(count: int, per_step: int, seed: int = 0, shuffle: bool = False) -> PromptSchedule:
    return PromptSchedule([question(i, "BD") for i in range(count)], per_step, seed, shuffle)


def asked(prompts: PromptSchedule, steps: int) -> list[str]:
    return [q.id for step in range(steps) for q in prompts.at(step)]


@given(SIZES, SIZES, st.integers(0, 99), st.integers(1, 12))
def test_every_question_is_asked_once_before_any_is_asked_again(count, per_step, seed, steps):
    ids = asked(schedule(count, per_step, seed), steps)
    assert len(ids) == steps * per_step
    for first in range(0, len(ids), count):
        epoch = ids[first : first + count]
        assert max(Counter(epoch).values()) == 1


@given(SIZES, SIZES, st.integers(0, 99), st.lists(st.integers(0, 12), min_size=1), st.booleans())
def test_a_step_depends_on_seed_and_step_alone(count, per_step, seed, steps, shuffle):
    used = schedule(count, per_step, seed, shuffle)
    for step in steps:
        assert used.at(step) == schedule(count, per_step, seed, shuffle).at(step)


@given(SIZES, st.integers(0, 99))
def test_shuffled_options_keep_the_texts_and_the_golds_texts(count, seed):
    plain, shuffled = schedule(count, count, seed), schedule(count, count, seed, shuffle=True)
    for before, after in zip(plain.at(1), shuffled.at(1), strict=True):
        assert before.id == after.id
        assert sorted(before.options) == sorted(after.options)
        texts = {after.options["ABCD".index(letter)] for letter in after.gold}
        assert texts == {before.options[1], before.options[3]}


def test_epochs_and_seeds_have_orders_of_their_own():
    prompts = schedule(30, 30)
    assert [q.id for q in prompts.at(0)] != [q.id for q in prompts.at(1)]
    assert [q.id for q in prompts.at(0)] != [q.id for q in schedule(30, 30, seed=1).at(0)]


def test_options_are_shown_in_another_order_each_epoch():
    prompts = schedule(1, 1, shuffle=True)
    assert len({prompts.at(epoch)[0].options for epoch in range(12)}) > 3


@pytest.mark.parametrize(
    ("count", "per_step", "epochs", "most", "steps"),
    [(10, 4, 2, None, 5), (10, 4, 1, None, 2), (3, 4, 1, None, 1), (10, 4, 2, 3, 3), (10, 4, 1, 9, 9)],
)
def test_steps(count, per_step, epochs, most, steps):
    assert schedule(count, per_step).steps(epochs, most) == steps


def test_nothing_to_ask_is_an_error():
    with pytest.raises(ValueError, match="no questions"):
        schedule(0, 1)


def test_a_seed_asks_the_same_in_every_version():
    """A run goes on with the questions, and options, that an older version of this code began with."""
    prompts = PromptSchedule([question(i, "BD") for i in range(6)], 6, 3, True)
    assert [[q.id for q in prompts.at(step)] for step in (0, 1)] == [
        ["q2", "q3", "q0", "q1", "q4", "q5"],
        ["q2", "q5", "q1", "q3", "q0", "q4"],
    ]
    assert [prompts.at(step)[0].options for step in (0, 1)] == [
        ("2丙", "2乙", "2丁", "2甲"),
        ("2丙", "2乙", "2甲", "2丁"),
    ]
