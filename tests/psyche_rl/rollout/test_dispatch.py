import pytest
from hypothesis import given
from hypothesis import strategies as st

from psyche_rl.rollout.dispatch import assign, collect

SIZES = st.integers(0, 200), st.integers(1, 9)


@given(*SIZES)
def test_every_request_is_given_out_once_and_parts_are_even(requests, slots):
    plan = assign(requests, slots)
    assert sorted(i for part in plan for i in part) == list(range(requests))
    sizes = [len(part) for part in plan]
    assert max(sizes) - min(sizes) <= 1


@given(*SIZES)
def test_results_come_back_in_the_order_of_the_requests(requests, slots):
    parts = [[f"result {i}" for i in indices] for indices in assign(requests, slots)]
    assert collect(parts, requests) == [f"result {i}" for i in range(requests)]


def test_a_lost_or_doubled_result_is_refused():
    with pytest.raises(ValueError, match="slot 1 was given 2 requests and returned 1"):
        collect([["a", "b"], ["c"]], 4)
    with pytest.raises(ValueError, match="slot 0"):
        collect([["a", "b", "b"], ["c", "d"]], 4)
