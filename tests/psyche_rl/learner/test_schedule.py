"""The learning rate of each step."""

import pytest

from psyche_rl.learner.schedule import OptimSettings, learning_rate


def test_the_rate_rises_to_the_full_one_and_falls_to_nothing():
    rising = OptimSettings(1.0, "cosine", total_steps=10, warmup_steps=2)
    assert [learning_rate(rising, step) for step in (0, 1, 2)] == [0.5, 1.0, 1.0]
    assert learning_rate(rising, 6) == pytest.approx(0.5)
    assert [learning_rate(rising, step) for step in (10, 11)] == pytest.approx([0.0, 0.0])
    flat = OptimSettings(1.0, "constant", total_steps=10)
    assert [learning_rate(flat, step) for step in (0, 9, 20)] == [1.0, 1.0, 1.0]
    short = OptimSettings(1.0, "cosine", total_steps=2, warmup_steps=2)
    assert learning_rate(short, 2) == 1.0
