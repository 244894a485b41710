from collections import Counter

from psyche_rl.llm.endpoints import FIRST_REST_S, LONGEST_REST_S, Endpoint, Later, choose, others_can_help
from psyche_rl.llm.window import Window


def endpoint(weight=1.0, cap=100, **state):
    return Endpoint(weight, Window.open(cap), **state)


def test_requests_are_spread_by_weight():
    states, chosen = [endpoint(1.0), endpoint(3.0)], Counter()
    for _ in range(40):
        place = choose(states, now=0.0)
        states[place] = states[place].sent()
        chosen[place] += 1
    assert chosen == {0: 10, 1: 30}


def test_a_full_or_held_endpoint_is_passed_over():
    assert choose([endpoint(cap=1, in_flight=1), endpoint()], 0.0) == 1
    held = endpoint().overloaded(0, now=10.0, retry_after=5.0)
    assert choose([held, endpoint()], 12.0) == 1
    assert choose([held], 12.0) == Later(15.0)
    assert choose([held], 15.0) == 0
    assert choose([endpoint(cap=1, in_flight=1)], 0.0) == Later(None)


def test_overload_without_retry_after_holds_nobody_back():
    busy = endpoint().overloaded(0, now=10.0, retry_after=None)
    assert choose([busy], 10.0) == 0
    assert int(busy.window.limit) == 50


def test_three_faults_in_a_row_are_rested_and_rests_grow():
    state = endpoint()
    for _ in range(2):
        state = state.failed(now=0.0, at_once=False)
    assert state.resting_until == 0.0
    assert state.answered().failed(0.0, False).resting_until == 0.0  # no longer in a row
    state = state.failed(0.0, False)
    assert state.resting_until == FIRST_REST_S
    assert state.failed(0.0, False).resting_until == 2 * FIRST_REST_S
    for _ in range(20):
        state = state.failed(0.0, False)
    assert state.resting_until == LONGEST_REST_S


def test_others_take_over_while_one_rests_and_it_comes_back():
    gone = endpoint().failed(now=0.0, at_once=True)
    assert choose([gone, endpoint(in_flight=50)], 1.0) == 1
    assert choose([gone, endpoint(in_flight=50)], FIRST_REST_S) == 0
    assert others_can_help([gone, endpoint()], 0, 1.0)
    assert not others_can_help([endpoint(), gone], 0, 1.0)


def test_where_all_rest_none_is_passed_over():
    gone = endpoint().failed(0.0, at_once=True)
    assert choose([gone], 0.0) == 0
    assert choose([gone, gone], 0.0) == 0


def test_one_that_is_out_never_gets_anything():
    assert choose([endpoint(is_out=True), endpoint(in_flight=90)], 1e9) == 1
    assert not others_can_help([endpoint(), endpoint(is_out=True)], 0, 0.0)


def test_a_pause_is_over_at_the_moment_it_ends():
    for pause in ({"resting_until": 5.0}, {"held_until": 5.0}):
        paused = endpoint(**pause)
        assert others_can_help([endpoint(), paused], 0, 5.0)
        assert not others_can_help([endpoint(), paused], 0, 4.9)
        assert choose([endpoint(in_flight=9), paused], 5.0) == 1
        assert choose([endpoint(in_flight=9), paused], 4.9) == 0
    full = endpoint(cap=1, in_flight=1)
    assert choose([full, endpoint(held_until=9.0), endpoint(held_until=7.0)], 5.0) == Later(7.0)
    assert choose([full, endpoint(held_until=7.0, is_out=True)], 5.0) == Later(None)
    assert choose([endpoint(cap=1, in_flight=1, resting_until=5.0)], 5.0) == Later(None)


def test_an_endpoint_begins_with_nothing_in_flight_and_no_fault():
    assert endpoint() == Endpoint(1.0, Window.open(100), 0, 0, 0.0, 0.0, False)
    assert endpoint().sent().sent().landed() == endpoint(in_flight=1)
    held = endpoint().overloaded(0, 10.0, 5.0)
    assert held.overloaded(1, 11.0, 1.0).held_until == 15.0, "an earlier, longer pause stays"
    assert endpoint(strikes=2).answered().strikes == 0
    assert [endpoint(strikes=n).failed(0.0, False).resting_until for n in (1, 2, 3, 6, 7, 8)] == [
        0.0, 2.0, 4.0, 32.0, 60.0, 60.0,
    ]  # fmt: skip
    assert endpoint(strikes=5).failed(0.0, True).strikes == 6
