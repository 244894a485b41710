"""The reward of a run: where it comes from, and that it stays the same."""

from __future__ import annotations

import json

import pytest

from launch.stages.training_reward import FILE, keep_fingerprint, rewarded_format, training_reward
from psyche_rl.config.grpo import RewardConfig
from psyche_rl.errors import ConfigError, RunFolderError
from psyche_rl.store import RunStore
from rewards import exam_reward

SET = """
name: exam
compose: sum
rewards:
- reward: mcq_strict
- reward: think_format
  weight: 0.5
"""


def test_two_weights_or_a_reward_set_are_the_same_reward(tmp_path):
    (tmp_path / "set.yaml").write_text(SET, "utf-8")
    plain = training_reward(RewardConfig())
    described = training_reward(RewardConfig(config=str(tmp_path / "set.yaml")))
    assert plain.fingerprint() == described.fingerprint() == exam_reward(1.0, 0.5).fingerprint()


def test_a_reward_set_that_is_none_is_a_config_error(tmp_path):
    file = tmp_path / "set.yaml"
    file.write_text("reward: mcq_strct\n", "utf-8")
    with pytest.raises(ConfigError, match=r"set\.yaml: .*did you mean 'mcq_strict'"):
        training_reward(RewardConfig(config=str(file)))


def test_a_run_keeps_its_reward_and_refuses_another(tmp_path):
    store, reward = RunStore(str(tmp_path)), exam_reward(1.0, 0.5)
    keep_fingerprint(store, reward)
    kept = json.loads(store.read_bytes(FILE))
    assert (kept["name"], kept["fingerprint"]) == ("exam", reward.fingerprint())
    assert [part["reward"] for part in kept["reward"]["rewards"]] == ["mcq_strict", "think_format"]
    keep_fingerprint(store, exam_reward(1.0, 0.5))
    with pytest.raises(RunFolderError, match=f"fingerprint {reward.fingerprint()}, now it is 'exam'"):
        keep_fingerprint(store, exam_reward(1.0, 0.4))


@pytest.mark.parametrize(
    ("described", "allows"),
    [
        (None, True),
        (SET, True),
        ("{reward: think_format, allow_empty: false}", False),
        (
            "{compose: product, rewards: [{reward: mcq_strict}, {compose: sum, name: form, "
            "rewards: [{reward: think_format, allow_empty: false}]}]}",
            False,
        ),
        ("reward: mcq_strict", True),
    ],
)
def test_the_format_that_is_measured_is_the_one_that_was_rewarded(tmp_path, described, allows):
    store = RunStore(str(tmp_path / "run"))
    if described is not None:
        (tmp_path / "set.yaml").write_text(described, "utf-8")
        keep_fingerprint(store, training_reward(RewardConfig(config=str(tmp_path / "set.yaml"))))
    assert rewarded_format(store).allow_empty is allows
