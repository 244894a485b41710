"""Records of the RL side: what the policy produced, token by token, and what it was worth.

Token ids are never re-encoded from text: what the engine sampled is what the learner trains on.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import model_validator

from psyche_rl.records.record import Record


class GenerationRequest(Record):
    """One prompt to sample ``n`` completions from. ``seed`` fixes the samples for given weights."""

    id: str
    prompt_ids: tuple[int, ...]
    n: int = 1
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int | None = None
    """How many of the likeliest tokens may be drawn; None: all."""
    max_tokens: int
    stop_token_ids: tuple[int, ...] = ()
    seed: int | None = None
    think_opened: bool = False
    """Whether the prompt ends inside a think block that the chat template opened."""


class Sample(Record):
    """One completion. ``logprobs`` and ``weight_versions`` hold one entry per response token.

    ``response_ids`` includes the stop token when ``finish_reason`` is "stop".
    """

    id: str
    request_id: str
    index: int
    prompt_ids: tuple[int, ...]
    response_ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    weight_versions: tuple[int, ...]
    finish_reason: Literal["stop", "length"]

    @model_validator(mode="after")
    def _aligned(self) -> Sample:
        lengths = {len(self.response_ids), len(self.logprobs), len(self.weight_versions)}
        if len(lengths) != 1:
            raise ValueError(f"sample {self.id}: tokens, logprobs and versions differ in length {lengths}")
        return self


class Group(Record):
    """All samples of one prompt; the baseline of GRPO is computed over it."""

    id: str
    question_id: str
    samples: tuple[Sample, ...]


class ScoredSample(Record):
    """One row of the rollout parquet: a sample, its text and its score.

    - ``response`` is what was scored: where the chat template opened the think block (``think_opened``), the
      tag stands before what the policy wrote.
    - ``reward`` is what it was trained on, the overlong punishment included; ``kl_penalty`` is what the KL to
      the reference took off besides, where ``grpo.use_kl_in_reward`` is set.
    - ``advantage`` is the mean over the response's tokens; None for a sample without a part in the training.
    - ``seed`` is that of the request: the samples of a group draw from it in their order.
    - Fields with a default of None are unknown in files of version 1, which lack them; ``top_k`` came with
      version 3.
    """

    SCHEMA_VERSION: ClassVar[int] = 3

    step: int
    group_id: str
    question_id: str
    sample_id: str
    prompt: str
    response: str
    gold: str
    response_length: int
    finish_reason: str
    reward: float | None
    reward_parts: dict[str, float]
    reward_error: str | None
    advantage: float | None
    weight_version: int
    stem: str | None = None
    """Of the question, without case and options."""
    think_opened: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    """None where there was none, too."""
    max_tokens: int | None = None
    seed: int | None = None
    kl_penalty: float | None = None
