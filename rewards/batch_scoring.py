"""Many samples scored by one reward in one process; a pool of processes is the actors' business.

>>> from rewards import RewardSample, exam_reward
>>> samples = [RewardSample(id=r, response=r, gold="B", kind="single") for r in ("答案：B", "答案：C")]
>>> [score.value for score in score_batch(exam_reward(1.0, 0.5), samples)]
[1.0, 0.0]
"""

from __future__ import annotations

from collections.abc import Sequence

from rewards.blocking import run_blocking
from rewards.composition import attempt, attempt_async
from rewards.reward import Reward
from rewards.score import RewardSample, Score


def score_batch(reward: Reward, samples: Sequence[RewardSample]) -> list[Score]:
    """A score each, in order, an exception as an error; scorers that wait are awaited side by side."""
    if not reward.is_async:
        return [attempt(reward, sample) for sample in samples]

    async def side_by_side() -> list[Score]:
        import asyncio

        return await asyncio.gather(*(attempt_async(reward, sample) for sample in samples))

    return run_blocking(side_by_side())
