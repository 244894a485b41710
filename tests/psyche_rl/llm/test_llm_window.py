from hypothesis import given
from hypothesis import strategies as st

from psyche_rl.llm.window import Window


def test_it_begins_at_the_cap_and_halves_on_overload():
    window = Window.open(64)
    assert window.has_room(63)
    assert not window.has_room(64)
    window = window.overloaded(sent_under=0)
    assert (int(window.limit), window.cuts) == (32, 1)


def test_a_burst_sent_before_the_cut_cuts_once():
    window = Window.open(64)
    for _ in range(20):
        window = window.overloaded(sent_under=0)
    assert int(window.limit) == 32
    assert int(window.overloaded(sent_under=1).limit) == 16


def test_a_round_of_answers_adds_a_step():
    window = Window(cap=64, limit=32.0)
    for _ in range(32):
        window = window.answered()
    assert 35.5 < window.limit < 36.0  # 4 = 64 / 16, a little less as the limit grows within the round
    small = Window(cap=4, limit=2.0)
    for _ in range(2):
        small = small.answered()
    assert 2.8 < small.limit <= 3.0


@given(st.integers(1, 200), st.lists(st.booleans(), max_size=300))
def test_the_limit_stays_between_one_and_the_cap_and_there_is_always_room_for_one(cap, fates):
    window = Window.open(cap)
    for good in fates:
        window = window.answered() if good else window.overloaded(window.cuts)
        assert 1.0 <= window.limit <= cap
        assert window.has_room(0)


def test_against_a_server_that_takes_ten_it_settles_around_ten():
    window, limits = Window.open(64), []
    for round_ in range(400):
        sent, under = int(window.limit), window.cuts
        for place in range(sent):
            window = window.answered() if place < 10 else window.overloaded(under)
        if round_ > 50:
            limits.append(int(window.limit))
    assert min(limits) >= 5
    assert max(limits) <= 14
    assert sum(limits) / len(limits) > 7
