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
