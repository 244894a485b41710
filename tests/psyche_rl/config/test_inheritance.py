"""What stages inherit is told once, where it was given."""

import pytest

from psyche_rl.config import parse_config
from psyche_rl.errors import ConfigError


@pytest.mark.parametrize(
    ("tree", "key"),
    [
        ({"learner": {"betas": [2, 3]}}, "learner.betas"),
        ({"engine": {"gpu_memory_utilization": 7}}, "engine.gpu_memory_utilization"),
        ({"engine": {"thread": 7}}, "engine.thread"),
        ({"grpo": {"engine": {"gpu_memory_utilization": 7}}}, "grpo.engine.gpu_memory_utilization"),
        ({"engine": 7}, "engine"),
    ],
)
def test_a_mistake_in_a_common_section_is_told_once_by_its_own_name(tree, key):
    with pytest.raises(ConfigError) as caught:
        parse_config({"run_dir": "r", **tree}, "x.yaml")
    lines = [line for line in str(caught.value).splitlines() if key in line]
    assert lines
    assert not any(f"{stage}.{key}" in line for line in lines for stage in ("sft", "select", "eval"))
