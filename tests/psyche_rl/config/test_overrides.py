"""Dotted overrides, for a run and for a benchmark run alike."""

import pytest

from psyche_rl.config.bench import bench_config
from psyche_rl.config.overrides import apply_overrides
from psyche_rl.errors import ConfigError


def test_sections_that_are_not_there_or_empty_are_made():
    tree = {"sft": None, "grpo": {"lr": 1}}
    apply_overrides(tree, ["sft.lr=2", "grpo.group_size=8", "clean.redact=[names]", "grpo.lr=3"])
    assert tree == {"sft": {"lr": 2}, "grpo": {"lr": 3, "group_size": 8}, "clean": {"redact": ["names"]}}


def test_a_benchmark_run_takes_them_as_a_run_does():
    assert bench_config(["calls=", "calls.max_in_flight=3"]).calls.max_in_flight == 3
    for wrong, told in [("seed", "write it as"), ("seed.x=[", "not valid YAML"), ("=1", "write it as")]:
        with pytest.raises(ConfigError, match=told):
            bench_config([wrong])
    with pytest.raises(ConfigError, match="'seed' is a value, not a section"):
        bench_config(["seed=1", "seed.x=2"])
