"""Seconds per phase, with a clock that the test turns."""

import pytest

from psyche_rl.loops.clock import PhaseClock


@pytest.fixture
def hand(monkeypatch):
    class Hand:
        now = 100.0

    monkeypatch.setattr("psyche_rl.loops.clock.time.perf_counter", lambda: Hand.now)
    return Hand


def test_phases_add_up_and_the_step_holds_what_lies_between(hand):
    clock = PhaseClock()
    for phase, seconds in (("generate", 2.0), ("score", 0.5), ("generate", 1.0)):
        with clock(phase):
            hand.now += seconds
        hand.now += 0.5
    assert clock.metrics(tokens=100) == pytest.approx(
        {
            "time/generate_s": 3.0,
            "time/score_s": 0.5,
            "time/step_s": 5.0,
            "throughput/tokens_per_s": 20.0,
        }
    )


def test_a_phase_that_fails_is_timed_too(hand):
    clock = PhaseClock()

    def train() -> None:
        with clock("train"):
            hand.now += 4.0
            raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        train()
    assert clock.metrics(1)["time/train_s"] == 4.0
