"""The second job of the mission: has many samples scored by a pool that a training run uses too.

    python tests/e2e/pool_sharer.py POOL REWARD_SET SAMPLES NOTES

Writes to NOTES that it begins, and then its scores.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(pool: str, rewards: str, count: str, notes: str) -> None:
    from actors.cluster import connect
    from actors.scoring.named_pools import attach
    from rewards import RewardSample, load_reward_set

    connect()
    shared = attach(pool, load_reward_set(rewards).fingerprint())
    samples = [
        RewardSample(
            id=f"other/{i}", response=f"<think>想</think>答案：{'AB'[i % 2]}", gold="A", kind="single",
            options=("甲", "乙"),
        )
        for i in range(int(count))
    ]  # fmt: skip
    Path(notes).write_text("begun", "utf-8")
    scores = shared.score(samples)
    told = [score.value for score in scores]
    Path(notes).with_suffix(".json").write_text(json.dumps(told), "utf-8")


main(*sys.argv[1:])
