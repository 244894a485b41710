"""A reward of one's own reaches a process that has neither its file nor its folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from actors.scoring.shipping import pickled_reward
from rewards import load_reward_set

ROOT = Path(__file__).parents[3]
OWN = """
from __future__ import annotations
from typing import Literal
from rewards import Reward, RewardSample, Score

def worth(sample: RewardSample) -> float:
    return 7.0

class Far(Reward):
    name = "far"
    def __init__(self, unit: Literal["a", "b"] = "a") -> None:
        self.unit = unit
    def score(self, sample: RewardSample) -> Score:
        return Score.of(worth(sample))
"""
ELSEWHERE = """
import pickle, sys
from rewards import RewardSample
reward = pickle.load(sys.stdin.buffer)
print(reward.score(RewardSample(id="1", response="x", gold="A", kind="single")).value, reward.fingerprint())
"""


def test_a_reward_file_travels_as_text(tmp_path):
    (tmp_path / "far.py").write_text(OWN, "utf-8")
    (tmp_path / "set.yaml").write_text(
        "{compose: sum, rewards: [{reward: 'far:Far', unit: b}, {reward: mcq_strict}]}", "utf-8"
    )
    reward = load_reward_set(tmp_path / "set.yaml")
    sent = pickled_reward(reward)
    (tmp_path / "far.py").unlink()
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE], input=sent, capture_output=True, cwd="/", check=False,
        env={"PYTHONPATH": str(ROOT)}, timeout=60,
    )  # fmt: skip
    assert done.stdout.split() == [b"7.0", reward.fingerprint().encode()], done.stderr.decode()


def test_a_shipped_reward_brings_no_text_along():
    assert b"OwnModule" not in pickled_reward(load_reward_set({"reward": "mcq_strict"}))
