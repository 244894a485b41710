"""The section ``lora``: absent unless asked for, and what its targets may be."""

import pytest

from psyche_rl.config import load_config
from psyche_rl.errors import ConfigError

MINI = "launch/configs/mini.yaml"


def test_nothing_is_adapted_unless_a_section_asks_for_it():
    assert load_config(MINI, []).lora is None
    lora = load_config(MINI, ["lora={}"]).lora
    assert (lora.rank, lora.alpha, lora.target_modules, lora.seed) == (32, 64, ("all-linear",), None)
    assert load_config(MINI, ["lora.rank=8", "lora.seed=3"]).lora.rank == 8


@pytest.mark.parametrize(
    ("given", "targets"), [("q_proj", ("q_proj",)), ("[q_proj, v_proj]", ("q_proj", "v_proj"))]
)
def test_targets_are_one_name_or_several(given, targets):
    assert load_config(MINI, [f"lora.target_modules={given}"]).lora.target_modules == targets


@pytest.mark.parametrize("given", ["[]", "[all-linear, q_proj]", "7"])
def test_other_targets_are_refused_by_their_key(given):
    with pytest.raises(ConfigError, match=r"'lora\.target_modules'"):
        load_config(MINI, [f"lora.target_modules={given}"])
