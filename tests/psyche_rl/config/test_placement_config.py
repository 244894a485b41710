"""The keys by which a run is placed: numbers, ``auto`` and bounds, and which of them go together."""

import pytest
import yaml

from psyche_rl.config import dump_config, load_config, parse_config
from psyche_rl.config.rollout_workers import ElasticWorkers
from psyche_rl.errors import ConfigError

MINI = "launch/configs/mini.yaml"
FIXED = ["grpo.ranks=2", "grpo.rollout_workers=2", "grpo.placement=split"]


@pytest.mark.parametrize(
    ("given", "read"), [("3", 3), ("auto", "auto"), ("{min: 4, max: 24}", ElasticWorkers(4, 24)), ("'7'", 7)]
)
def test_rollout_workers_are_a_number_auto_or_bounds(given, read):
    config = load_config(MINI, [f"grpo.rollout_workers={given}", "grpo.staleness=1"])
    assert config.grpo.rollout_workers == read
    assert parse_config(yaml.safe_load(dump_config(config)), "x") == config


def test_in_sync_mode_workers_do_not_come_and_go():
    with pytest.raises(
        ConfigError, match=r"'grpo\.rollout_workers': with staleness=0 .* is fixed.*staleness to 1"
    ):
        load_config(MINI, ["grpo.rollout_workers={min: 1, max: 4}"])


@pytest.mark.parametrize(
    "given", ["0", "-1", "1.5", "true", "much", "10001", "{min: 1}", "{min: 3, max: 2}", "{min: 0, max: 2}",
              "{min: 1, max: 2, mean: 1}", "{min: a, max: 2}", "{min: 1, max: 10001}", "[1, 2]"],
)  # fmt: skip
def test_other_numbers_of_rollout_workers_are_refused_by_their_key(given):
    with pytest.raises(ConfigError, match=r"'grpo\.rollout_workers'"):
        load_config(MINI, [f"grpo.rollout_workers={given}"])


@pytest.mark.parametrize(("room", "start"), [(0, 4), (3, 4), (4, 4), (9, 9), (24, 24), (99, 24)])
def test_a_run_begins_with_what_there_is_room_for_within_the_bounds(room, start):
    assert ElasticWorkers(4, 24).at_start(room) == start


@pytest.mark.parametrize(
    "key",
    ["grpo.ranks", "sft.ranks", "eval.workers", "engine.tensor_parallel_size", "select.engines_per_selector",
     "teacher.vllm_engines"],
)  # fmt: skip
def test_auto_and_the_bounds_of_numbers(key):
    for good in ("auto", "1", "10000"):
        load_config(MINI, [*FIXED, f"{key}={good}"])
    for bad in ("0", "10001", "automatic", "2.5", "null"):
        with pytest.raises(ConfigError, match=key):
            load_config(MINI, [*FIXED, f"{key}={bad}"])


def test_an_engine_s_gpus_are_a_number_once_they_are_settled():
    config = load_config(
        MINI, ["grpo.engine.tensor_parallel_size=3", "eval.engine.tensor_parallel_size=auto"]
    )
    assert (config.grpo.engine.parallel, config.eval.engine.parallel) == (3, 1)


@pytest.mark.parametrize(
    ("ranks", "workers", "parallel", "good"),
    [("2", "2", "1", True), ("4", "2", "2", True), ("2", "1", "1", False), ("1", "1", "2", False),
     ("auto", "7", "1", True), ("7", "auto", "1", True), ("2", "2", "auto", True),
     ("2", "{min: 2, max: 2}", "1", False), ("auto", "{min: 1, max: 2}", "1", False)],
)  # fmt: skip
def test_ranks_that_share_gpus_are_as_many_as_shards_of_engines_that_stay(ranks, workers, parallel, good):
    keys = ["grpo.placement=colocated", f"grpo.ranks={ranks}", f"grpo.rollout_workers={workers}"]
    keys.append(f"engine.tensor_parallel_size={parallel}")
    if good:
        load_config(MINI, keys)
    else:
        with pytest.raises(ConfigError, match=r"'grpo\.placement'"):
            load_config(MINI, keys)


def test_ranks_and_engines_that_share_gpus_take_turns():
    shared = ["grpo.placement=colocated", "grpo.ranks=1", "grpo.rollout_workers=1"]
    load_config(MINI, [*shared, "grpo.staleness=0"])
    with pytest.raises(ConfigError, match=r"'grpo\.placement'.*staleness=1"):
        load_config(MINI, [*shared, "grpo.staleness=1"])


def test_a_run_may_be_kept_off_the_gpus_and_its_waits_have_bounds():
    config = load_config(MINI, [])
    assert (config.device, config.cluster.wait_s, config.cluster.grow_wait_s) == ("auto", 60, 1200)
    for bad in ("device=tpu", "cluster.wait_s=0", "cluster.grow_wait_s=inf"):
        with pytest.raises(ConfigError, match=bad.partition("=")[0]):
            load_config(MINI, [bad])
