"""Share of the gold's key points that a short answer names.

The gold is a list: one key point a line, or parted by ；, 。 or numbers (1. (2) ③); ``|`` parts spellings
of one point. A point counts where its letters, digits and ideographs stand in the answer part in one
piece, case and punctuation aside. What the reply says about it is not understood, so that a negated point
counts too.

Source: the recall of reference units of ROUGE (Lin 2004) with key points for units, as graders
of short-answer exams use them.

    >>> from rewards import KeypointRecall, RewardSample
    >>> ask = dict(id="q1/0", gold="1. 登门槛效应|得寸进尺效应 2. 认知失调；自我知觉", kind="short")
    >>> reward = KeypointRecall()
    >>> round(reward.score(RewardSample(response="先是得寸进尺效应，再由认知 失调解释", **ask)).value, 3)
    0.667
    >>> reward.score(RewardSample(response="<think>登门槛效应 认知失调 自我知觉</think>不知道", **ask)).value
    0.0
    >>> reward.check(RewardSample(response="", **{**ask, "gold": "；"}))
    "gold '；' holds no key point"
"""

from __future__ import annotations

import re
from functools import lru_cache

from rewards.reply import answer_part
from rewards.reward import Reward
from rewards.score import RewardSample, Score
from rewards.text.phrases import phrase_key

_PARTED = re.compile(r"[\n;；。]|(?:^|(?<=[\s,，;；。、]))[(（]?\d{1,2}[.、)）](?!\d)|[①-⑳]")


class KeypointRecall(Reward):
    """Named key points / all key points."""

    name = "keypoint_recall"

    def check(self, sample: RewardSample) -> str | None:
        """A gold without a key point."""
        return None if keypoints(sample.gold) else f"gold {sample.gold!r} holds no key point"

    def score(self, sample: RewardSample) -> Score:
        """0.0 to 1.0; error ``bad_gold`` where the gold holds no key point."""
        points = keypoints(sample.gold)
        if not points:
            return Score.failed("bad_gold", f"sample {sample.id}: {self.check(sample)}")
        answer = phrase_key(answer_part(sample.response))
        return Score.of(sum(any(way in answer for way in point) for point in points) / len(points))


@lru_cache(maxsize=65536)
def keypoints(gold: str) -> tuple[tuple[str, ...], ...]:
    """The key points of a gold, each with its spellings, as phrase keys."""
    points = (tuple(filter(None, map(phrase_key, piece.split("|")))) for piece in _PARTED.split(gold))
    return tuple(dict.fromkeys(point for point in points if point))
