"""What a learner trains on: token ids and, for policy optimisation, one figure per response token.

Collaborators: the loops build these, ``packing`` lays them out in rows, ``objectives`` reads them.
Invariants:
- Arrays are one-dimensional.
- Every per-token array holds response tokens only.
- Token ids are what the engine sampled, never re-encoded text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np


class TokenSequence(Protocol):
    """A prompt and its response: all that a forward pass needs."""

    @property
    def input_ids(self) -> np.ndarray: ...

    @property
    def prompt_length(self) -> int: ...


@dataclass(frozen=True)
class SftSequence:
    """Token ids [tokens] (int64); the tokens from ``prompt_length`` on are the reply to imitate.

    ``prompt_length`` is at least 1: the first token has nothing to be predicted from.
    """

    input_ids: np.ndarray
    prompt_length: int
    name: str = "an example"
    """What errors call it."""

    def __post_init__(self) -> None:
        _check_split(self)


@dataclass(frozen=True)
class PolicySequence:
    """A sampled response with what the policy objective needs; per-token arrays are [response].

    ``old_logprobs``: log-probabilities (nats) under the policy that sampled; None for those of the
    training pass itself. ``advantages``: one per token. ``mask``: False leaves a token out of loss and
    denominators.
    ``reference_logprobs``: None where the KL coefficient is 0. ``name``: what errors call its group.
    ``rollout_logprobs``: those of the engine that sampled, whatever ``old_logprobs`` are.
    """

    input_ids: np.ndarray
    prompt_length: int
    old_logprobs: np.ndarray | None
    advantages: np.ndarray
    mask: np.ndarray
    reference_logprobs: np.ndarray | None = None
    name: str = "a group"
    rollout_logprobs: np.ndarray | None = None

    def __post_init__(self) -> None:
        _check_split(self)
        tokens = response_length(self)
        for name in ("old_logprobs", "advantages", "mask", "reference_logprobs", "rollout_logprobs"):
            array = getattr(self, name)
            if array is not None and array.shape != (tokens,):
                raise ValueError(f"{name} has shape {array.shape}, the response has {tokens} tokens")

    @classmethod
    def of(
        cls,
        prompt_ids: Sequence[int],
        response_ids: Sequence[int],
        old_logprobs: np.ndarray | Sequence[float] | None,
        advantage: float | None,
        reference_logprobs: np.ndarray | None = None,
        name: str = "a group",
    ) -> PolicySequence:
        """From one advantage for the whole response; None masks the sample out."""
        tokens = len(response_ids)
        sampled = None if old_logprobs is None else np.asarray(old_logprobs, dtype=np.float32)
        return cls(
            input_ids=np.asarray([*prompt_ids, *response_ids], dtype=np.int64),
            prompt_length=len(prompt_ids),
            old_logprobs=sampled,
            rollout_logprobs=sampled,
            advantages=np.full(tokens, advantage or 0.0, dtype=np.float32),
            mask=np.full(tokens, advantage is not None),
            reference_logprobs=reference_logprobs,
            name=name,
        )


def response_length(sequence: TokenSequence) -> int:
    """Number of response tokens."""
    return len(sequence.input_ids) - sequence.prompt_length


def _check_split(sequence: TokenSequence) -> None:
    if not 1 <= sequence.prompt_length < len(sequence.input_ids):
        raise ValueError(
            f"prompt_length {sequence.prompt_length} leaves no prompt or no response in "
            f"{len(sequence.input_ids)} tokens"
        )
