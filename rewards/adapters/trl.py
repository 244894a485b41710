"""TRL's reward function: lists of prompts, completions and columns in, a list of figures out.

Matched behaviour (TRL 1.16, ``GRPOTrainer``): called with ``prompts``, ``completions``, ``completion_ids``,
each further column of the data set, ``trainer_state``, ``log_metric`` and ``log_extra`` as keywords; ``None``
for a completion is NaN inside, out of the group's mean and deviation, with advantage 0. So since 1.10 at the
latest; 1.0 still sums NaN as 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rewards.adapters.sample_fields import prompt_text, sample_of, text_of
from rewards.batch_scoring import score_batch
from rewards.reward import Reward
from rewards.score import RewardSample

TrlReward = Callable[..., list[float | None]]


def as_trl(reward: Reward, gold: str = "gold", max_completion_length: int | None = None) -> TrlReward:
    """``reward`` for ``GRPOTrainer(reward_funcs=…)``.

    The column ``gold`` holds the gold; columns named like the fields of ``RewardSample`` (``kind``,
    ``options``, ``reference``, …) are passed on. With ``max_completion_length``, a completion of that many
    tokens counts as truncated. The share of errors goes to the trainer's log as ``reward_errors/NAME``.
    """

    def reward_function(
        prompts: Sequence[Any], completions: Sequence[Any], **columns: Any
    ) -> list[float | None]:
        """The reward of each completion; None where a scorer failed."""
        ids = columns.pop("completion_ids", None)
        log_metric = columns.pop("log_metric", None)
        if gold not in columns:
            raise ValueError(f"as_trl: the data set has no column {gold!r}; name the gold's with gold=")
        samples = list[RewardSample]()
        for row, (prompt, completion) in enumerate(zip(prompts, completions, strict=True)):
            fields = {
                name: column[row] for name, column in columns.items() if isinstance(column, list | tuple)
            }
            given = {
                "response": text_of(completion),
                "gold": columns[gold][row],
                "prompt": prompt_text(prompt),
            }
            if ids is not None:
                length = len(ids[row])
                full = max_completion_length is not None and length >= max_completion_length
                given |= {"response_tokens": length, "truncated": full}
            samples.append(sample_of({"id": str(row), **fields, **given}))
        scores = score_batch(reward, samples)
        if log_metric is not None and scores:
            log_metric(f"reward_errors/{reward.name}", sum(s.error is not None for s in scores) / len(scores))
        return [score.value for score in scores]

    reward_function.__name__ = reward.name
    return reward_function
