"""verifiers' group reward function, for ``vf.Rubric(funcs=[…])``.

Matched behaviour (verifiers 0.1):

- A function with ``completions``, ``answers``, ``states`` … among its parameters scores a group of rollouts
  of one question. The baseline is the mean of the group.
- An exception is logged and made a 0 for the whole group.
- A rollout with ``state["error"]`` is reported as failed.

Hence a group function, which raises nothing, since only the group knows the figure that leaves its baseline
alone. Tasks of verifiers 0.4 have no rubric. There, call ``reward.score`` in a ``@vf.reward`` method and
raise.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from rewards.adapters.sample_fields import RewardFailedError, prompt_text, sample_of, text_of
from rewards.composition import attempt, attempt_async
from rewards.reward import Reward
from rewards.score import Score

VerifiersReward = Callable[..., Awaitable[list[float]]]
_LOG = logging.getLogger(__name__)


def as_verifiers(reward: Reward) -> VerifiersReward:
    """``reward`` for a rubric. ``answer`` holds the gold, ``info`` may hold ``kind``, ``options`` and so on.

    A rollout without a score gets the mean of its group's scores, and ``state["error"]``; in a group without
    any score all get 0, and the error.
    """

    async def reward_function(
        completions: Sequence[Any],
        answers: Sequence[Any],
        prompts: Sequence[Any],
        infos: Sequence[Any],
        states: Sequence[Any],
    ) -> list[float]:
        """One figure per rollout; never an exception."""
        import asyncio

        rows = list(zip(completions, answers, prompts, infos, strict=True))
        work = (_score(reward, str(number), *row) for number, row in enumerate(rows))
        scores = await asyncio.gather(*work)
        values = [score.value for score in scores if score.value is not None]
        mean = sum(values) / len(values) if values else 0.0
        for state, score in zip(states, scores, strict=True):
            if score.error is not None:
                what = f"reward '{reward.name}' has no score: {score.error.kind}: {score.error.message}"
                _LOG.warning(what)
                if state.get("error") is None:
                    state["error"] = RewardFailedError(what)
        return [mean if score.value is None else score.value for score in scores]

    reward_function.__name__ = reward.name
    return reward_function


async def _score(
    reward: Reward, id: str, completion: Any, answer: Any, prompt: Any, info: Mapping[str, Any] | None
) -> Score:
    try:
        given = {"id": id, "response": text_of(completion), "gold": answer, "prompt": prompt_text(prompt)}
        sample = sample_of({**(info or {}), **given})
    except ValueError as error:
        return Score.failed("bad_gold", str(error))
    return await attempt_async(reward, sample) if reward.is_async else attempt(reward, sample)
