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


def test_adapters_take_the_seed_of_the_run_unless_they_have_one():
    assert load_config(MINI, ["lora={}", "seed=7"]).adapters.seed == 7
    assert load_config(MINI, ["lora.seed=0", "seed=7"]).adapters.seed == 0
    assert load_config(MINI, []).adapters is None


def test_a_second_reference_is_refused_beside_adapters():
    load_config(MINI, ["grpo.reference_workers=1"])
    with pytest.raises(ConfigError, match=r"'grpo\.reference_workers'.*adapters switched off"):
        load_config(MINI, ["lora={}", "grpo.reference_workers=1"])


def test_the_preset_for_one_gpu_takes_one():
    from psyche_rl.placement.cluster_shape import pretended
    from psyche_rl.placement.planner import plan_stages
    from psyche_rl.stages import STAGES

    config = load_config("launch/configs/lora_1gpu.yaml", [])
    plans, refused = plan_stages(list(STAGES), config, pretended("1x1x80"))
    assert refused == []
    assert {plan.stage for plan in plans} == {"select", "sft", "grpo", "eval"}
    assert config.lora.rank == 32
