"""The order of an epoch by pass rates: every question once, by seed and epoch alone."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from loop_fakes import question

from psyche_rl.errors import DataError
from psyche_rl.loops.curriculum import VERDICTS, Curriculum, read_curriculum
from psyche_rl.loops.prompt_schedule import PromptSchedule
from psyche_rl.store import RunStore

KINDS = ("easy_to_hard", "prioritized")


def questions(count: int):
    return [question(i) for i in range(count)]


def order(kind: str, rates: list[float], seed: int = 0, epoch: int = 0) -> list[int]:
    given = {f"q{i}": rate for i, rate in enumerate(rates)}
    return Curriculum(kind, given).order(questions(len(rates)), seed, epoch)


@given(st.sampled_from(KINDS), st.lists(st.sampled_from([0, 0.25, 0.5, 1.0]), min_size=1), st.integers(0, 9))
def test_each_question_is_asked_once_an_epoch_and_the_same_after_a_resume(kind, rates, seed):
    given = {f"q{i}": rate for i, rate in enumerate(rates)}
    schedules = [
        PromptSchedule(questions(len(rates)), 2, seed, False, Curriculum(kind, given)) for _ in range(2)
    ]
    places = range(2 * len(rates))
    first = [schedules[0].question(place).id for place in places]
    assert first == [schedules[1].question(place).id for place in reversed(places)][::-1]
    assert Counter(first) == dict.fromkeys(given, 2)


def test_easy_questions_come_first_and_equal_ones_in_any_order():
    rates = [0.0, 0.5, 0.25, 0.5, 0.25, 0.0]
    found = {epoch: order("easy_to_hard", rates, epoch=epoch) for epoch in range(20)}
    assert all([rates[place] for place in o] == [0.5, 0.5, 0.25, 0.25, 0.0, 0.0] for o in found.values())
    assert len({tuple(o) for o in found.values()}) > 4
    assert len({tuple(order("easy_to_hard", rates, seed)) for seed in range(20)}) > 4


def test_prioritized_draws_first_by_one_minus_the_pass_rate():
    rates = [0.0, 0.5, 0.75]  # weights 4 : 2 : 1
    first = Counter(order("prioritized", rates, epoch=epoch)[0] for epoch in range(3000))
    shares = [first[place] / 3000 for place in range(3)]
    assert shares == [pytest.approx(share, abs=0.03) for share in (4 / 7, 2 / 7, 1 / 7)]
    assert order("prioritized", [1.0, 0.9]) == [1, 0], "what every selector knows comes last"
    assert order("prioritized", rates, seed=1) != order("prioritized", rates, seed=3) or order(
        "prioritized", rates, seed=1
    ) != order("prioritized", rates, seed=4)


def test_pass_rates_are_those_of_the_runs_cross_selection(tmp_path):
    store = RunStore(str(tmp_path))
    assert read_curriculum(store, None, questions(2)) is None
    with pytest.raises(DataError, match=r"no pass rate of question q0.*set grpo.curriculum=null"):
        read_curriculum(store, "easy_to_hard", questions(2))
    rows = [{"question_id": f"q{i}", "pass_rate": rate} for i, rate in enumerate([0.25, 0.5, None])]
    store.write_table(VERDICTS, pa.Table.from_pylist(rows))
    assert read_curriculum(store, "prioritized", questions(2)) == Curriculum(
        "prioritized", {"q0": 0.25, "q1": 0.5}
    )
    with pytest.raises(DataError, match="question q2"):
        read_curriculum(store, "prioritized", questions(3))
