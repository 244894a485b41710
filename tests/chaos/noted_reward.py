"""A slow exam reward that notes what it begins and what it has scored; it is slow until a file is there."""

from __future__ import annotations

import os
import time

from rewards import Reward, RewardSample, Score, exam_reward


class NotedExam(Reward):
    name = "noted_exam"

    def __init__(self, notes: str, each_s: float, until: str = "") -> None:
        self.notes, self.each_s, self.until = notes, each_s, until

    def score(self, sample: RewardSample) -> Score:
        with open(f"{self.notes}.begun", "a", encoding="utf-8") as file:
            file.write(f"{os.getpid()} {sample.id}\n")
        if not (self.until and os.path.exists(self.until)):
            time.sleep(self.each_s)
        score = exam_reward(1.0, 0.5).score(sample)
        with open(self.notes, "a", encoding="utf-8") as file:
            file.write(sample.id + "\n")
        return score
