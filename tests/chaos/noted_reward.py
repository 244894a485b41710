"""A slow exam reward that notes in a file each sample it has scored."""

from __future__ import annotations

import time

from rewards import Reward, RewardSample, Score, exam_reward


class NotedExam(Reward):
    name = "noted_exam"

    def __init__(self, notes: str, each_s: float) -> None:
        self.notes, self.each_s = notes, each_s

    def score(self, sample: RewardSample) -> Score:
        time.sleep(self.each_s)
        score = exam_reward(1.0, 0.5).score(sample)
        with open(self.notes, "a", encoding="utf-8") as file:
            file.write(sample.id + "\n")
        return score
