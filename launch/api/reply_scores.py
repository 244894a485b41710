"""Replies scored by a reward set, in memory or from a file.

Collaborators: ``launch.sample_rows`` reads, ``actors.scoring.local`` scores in processes that may be killed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psyche_rl.scoring_limits import MEMORY_MIB, TIMEOUT_S

if TYPE_CHECKING:
    from rewards import Reward, RewardSample, Score


def score(
    samples: str | Path | Iterable[Mapping[str, Any] | RewardSample],
    reward: str | Path | Mapping[str, Any] | Reward,
    *,
    timeout_s: float = TIMEOUT_S,
    workers: int | None = None,
    memory_mib: int | None = MEMORY_MIB,
) -> list[Score]:
    """A score for each sample, in order; a scorer that fails is a score with an ``error``, never a 0.

    Args:
        samples: a JSONL or parquet file, or rows: mappings with the fields of ``rewards.RewardSample``, rows
            of a run's rollouts, or such samples. A pyarrow table gives rows by ``.to_pylist()``; a dataset is
            rows as it is.
        reward: a reward set's YAML file, the mapping that it holds, or a reward.
        timeout_s: deadline of each sample, in seconds.
        workers: scoring processes; unset, one for each core.
        memory_mib: address space of a scoring process; None for no limit.

    Raises:
        ConfigError: the reward set is wrong.
        DataError: the file cannot be read, or rows are no samples (the first is named, all are counted).
    """
    from actors.scoring.local import killable_scorer
    from launch.stages.training_reward import reward_set
    from rewards import Reward
    from rewards.blocking import outside_loops

    asked = reward if isinstance(reward, Reward) else reward_set(reward)
    rows = _samples(samples)

    def scored() -> list[Score]:
        with killable_scorer(asked, timeout_s, workers, memory_mib) as scorer:
            return scorer(rows)

    return outside_loops(scored)  # as in a notebook


def _samples(given: str | Path | Iterable[Mapping[str, Any] | RewardSample]) -> list[RewardSample]:
    from launch.sample_rows import BadRow, samples_in, samples_of
    from psyche_rl.errors import DataError

    if isinstance(given, str | Path):
        source, rows = str(given), samples_of(str(given))
    else:
        plain = (row if isinstance(row, Mapping) else row.model_dump() for row in given)
        source, rows = "samples", samples_in(enumerate(plain, 1))
    found, bad = list[Any](), list[tuple[int, BadRow]]()
    for number, sample in rows:
        if isinstance(sample, BadRow):
            bad.append((number, sample))
        else:
            found.append(sample)
    if bad:
        number, why = bad[0]
        raise DataError(f"{source}: {len(bad)} rows are no samples; row {number}: {why}")
    return found
