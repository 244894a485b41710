"""verl's custom reward function, for one sample at a time.

Matched behaviour (verl 0.9):

- The reward managers call ``compute_score(data_source, solution_str, ground_truth, extra_info)`` by keyword,
  with ``reward_kwargs`` added.
- Of a dict, ``score`` is the reward and every key a metric. The keys of the batch's first dict are read from
  all others, so all samples have one key set.
- The naive manager makes a ``TimeoutError`` a 0, so what is raised here is another class.

In verl's config, without a file of one's own::

    reward:
      custom_reward_function:
        path: pkg://rewards.adapters.verl
        name: compute_score
        reward_kwargs: {reward_set: /path/to/exam.yaml}
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from rewards.adapters.sample_fields import sample_of, value_or_raise
from rewards.composition import Composition, attempt
from rewards.reward import Reward
from rewards.reward_set import load_reward_set

VerlReward = Callable[..., dict[str, float]]


def as_verl(reward: Reward) -> VerlReward:
    """``reward`` as ``compute_score``. ``extra_info`` may hold ``kind``, ``options`` and so on.

    The dict holds ``score`` and the value of each part of a composition, NaN for one that was not asked.
    """
    keys = tuple(part_names(reward))

    def compute_score(
        data_source: str,
        solution_str: str,
        ground_truth: Any,
        extra_info: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> dict[str, float]:
        """The reward of one reply; RewardFailedError where a scorer failed, ValueError for a bad row."""
        extra = dict(extra_info or {})
        given = {
            "id": f"{data_source}/{extra.get('index', '?')}",
            "response": solution_str,
            "gold": ground_truth,
        }
        sample = sample_of({**extra, **given})
        score = attempt(reward, sample)
        value = value_or_raise(reward, sample, score)
        return {"score": value, **{key: score.parts.get(key, math.nan) for key in keys}}

    return compute_score


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: Any,
    extra_info: Mapping[str, Any] | None = None,
    *,
    reward_set: str,
    **_: Any,
) -> dict[str, float]:
    """``as_verl`` of the reward set in a YAML file, loaded once a process.

    Raises:
        RewardSetError: the file cannot be read as a reward set.
        RewardFailedError: a scorer failed.
    """
    return _loaded(reward_set)(data_source, solution_str, ground_truth, extra_info)


def part_names(reward: Reward, prefix: str = "") -> Iterator[str]:
    """The names that parts of compositions have in a score, whether or not they are asked."""
    if isinstance(reward, Composition):
        for part in reward.rewards:
            yield prefix + part.name
            yield from part_names(part, f"{prefix}{part.name}.")


@lru_cache(maxsize=8)
def _loaded(reward_set: str) -> VerlReward:
    return as_verl(load_reward_set(reward_set))
