"""When the SFT loop saves, and what its settings come to."""

import pytest

from psyche_rl.config.sft import SftConfig
from psyche_rl.learner.schedule import OptimSettings
from psyche_rl.loops.sft import SftSettings

SETTINGS = SftSettings(lr=1e-3, batch_size=4, epochs=3, warmup_ratio=0.1, seed=5)


@pytest.mark.parametrize(
    ("total", "saved"),
    [(11, [3, 6, 9]), (10, [2, 4, 6, 8]), (100, [20, 40, 60, 80]), (3, [1, 2]), (1, [])],
)
def test_saves_are_even_and_never_at_the_end(total, saved):
    assert [step for step in range(1, total + 1) if SETTINGS.saves_after(step, total)] == saved


def test_no_saves_are_asked_for():
    never = SftSettings(lr=1e-3, batch_size=4, epochs=3, warmup_ratio=0.1, seed=5, saves=0)
    assert not any(never.saves_after(step, 10) for step in range(1, 11))


def test_the_settings_are_the_configs_and_the_warm_up_a_share_of_all_steps():
    config = SftConfig(lr=2e-5, batch_size=8, epochs=2, warmup_ratio=0.25)
    settings = SftSettings.from_config(config, seed=3)
    assert settings == SftSettings(lr=2e-5, batch_size=8, epochs=2, warmup_ratio=0.25, seed=3, saves=4)
    assert settings.total_steps(17) == 6
    assert settings.optim(17) == OptimSettings(2e-5, "cosine", total_steps=6, warmup_steps=2)


def test_the_loop_saves_when_it_is_due_and_with_the_step_that_is_done():
    from contextlib import nullcontext
    from types import SimpleNamespace

    from psyche_rl.loops.sft import train

    saved, rows = [], []
    checkpoints = SimpleNamespace(
        restore=lambda _: 0, finishing=nullcontext, save=lambda step, _: saved.append((step, len(rows)))
    )
    learner = SimpleNamespace(sft_step=lambda batch: {"loss": 1.0})
    settings = SftSettings(lr=1e-3, batch_size=1, epochs=1, warmup_ratio=0.1, seed=5)
    train(learner, list(range(10)), settings, rows.append, checkpoints)
    assert saved == [(2, 2), (4, 4), (6, 6), (8, 8)]
    assert [(row["step"], row["epoch"], row["examples"]) for row in rows[:2]] == [(1, 0.1, 1), (2, 0.2, 1)]
