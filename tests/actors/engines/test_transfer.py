"""One direct update: told by one thread, carried out by another."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from actors.engines.transfer import Transfer
from psyche_rl.errors import WeightSyncError


@pytest.fixture
def noted():
    made = []

    def note(name, fails=False):
        def call(**arguments):
            if fails:
                raise ValueError("shape 3 is not 4")
            made.append((name, arguments))

        return call

    llm = SimpleNamespace(
        start_weight_update=note("start"),
        update_weights=note("update"),
        finish_weight_update=note("finish"),
        bad=note("bad", fails=True),
    )
    return llm, made


def test_calls_are_made_in_their_order_until_the_last(noted):
    llm, made = noted
    transfer = Transfer(20)
    with ThreadPoolExecutor(1) as engine:
        done = engine.submit(transfer.carry_out, llm)
        transfer.tell("start_weight_update", {})
        transfer.tell("update_weights", {"request": 1})
        transfer.tell("update_weights", {"request": 2})
        assert not done.done()
        transfer.tell("finish_weight_update", {})
        done.result(20)
    assert made == [("start", {}), ("update", {"request": 1}), ("update", {"request": 2}), ("finish", {})]
    with pytest.raises(WeightSyncError, match="it is over"):
        transfer.tell("update_weights", {})


def test_a_failing_call_is_told_to_both_and_ends_the_update(noted):
    llm, made = noted
    transfer = Transfer(20)
    with ThreadPoolExecutor(1) as engine:
        done = engine.submit(transfer.carry_out, llm)
        with pytest.raises(WeightSyncError, match="bad: shape 3 is not 4"):
            transfer.tell("bad", {})
        with pytest.raises(WeightSyncError, match="bad: shape 3 is not 4"):
            done.result(20)
        with pytest.raises(WeightSyncError, match="bad"):
            transfer.tell("update_weights", {})
    assert made == []


def test_neither_waits_for_ever(noted):
    llm, _ = noted
    transfer = Transfer(0.01)
    with pytest.raises(WeightSyncError, match="the learner was silent for 0 s"):
        transfer.carry_out(llm)
    with pytest.raises(WeightSyncError, match="update_weights took over 0 s"):
        Transfer(0.01).tell("update_weights", {})
