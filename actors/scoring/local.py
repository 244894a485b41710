"""Scoring a list of samples in processes of one's own, without Ray: for commands that end afterwards.

Collaborator: ``process_pool``, one of which is started here and closed with the context.
"""

from __future__ import annotations

import asyncio
import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from actors.scoring.fork_client import worker_spec
from actors.scoring.process_pool import ScoringProcessPool
from actors.scoring.scaling import ScalingPolicy
from rewards import Reward, RewardSample, Score


@contextmanager
def killable_scorer(
    reward: Reward, timeout_s: float, workers: int | None = None, memory_mib: int | None = None
) -> Iterator[Callable[[Sequence[RewardSample]], list[Score]]]:
    """A function that scores samples in order in ``workers`` processes (default: one per core).

    A scorer that hangs or crashes costs its own sample. The processes end with the context.

    Raises:
        ConfigError: the reward cannot be loaded in a process of its own.
    """
    count = workers or os.cpu_count() or 1

    async def started() -> ScoringProcessPool:
        return ScoringProcessPool(worker_spec(reward, timeout_s, memory_mib), ScalingPolicy(count, 4 * count))

    async def scored(samples: Sequence[RewardSample]) -> list[Score]:
        bodies = await pool.score([(s.id, pickle.dumps(s, protocol=5)) for s in samples])
        return [pickle.loads(body) for body in bodies]

    with asyncio.Runner() as runner:
        pool = runner.run(started())
        try:
            yield lambda samples: runner.run(scored(samples))
        finally:
            runner.run(pool.close())
