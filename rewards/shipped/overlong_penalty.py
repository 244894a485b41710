"""DAPO's soft overlong punishment: no penalty, then a slope of ``cache_tokens`` tokens down to -1.

Source: DAPO (arXiv 2503.14476), equation 13. With L the reply's tokens:

- 0 for L <= max - cache,
- ((max - cache) - L) / cache for max - cache < L <= max,
- -1 beyond.

The whole reply counts, think block and all, as it is generation that is paid for. An empty reply costs
nothing here, since a penalty is only part of a reward set.

    >>> from rewards import OverlongPenalty, RewardSample
    >>> def penalty(tokens):
    ...     sample = RewardSample(id="1", response="…", gold="B", kind="single", response_tokens=tokens)
    ...     return OverlongPenalty(max_tokens=100, cache_tokens=20).score(sample).value
    >>> [penalty(n) for n in (10, 80, 85, 100, 101)]
    [0.0, 0.0, -0.25, -1.0, -1.0]
"""

from __future__ import annotations

from rewards.reward import Reward
from rewards.score import RewardSample, Score


class OverlongPenalty(Reward):
    """0.0 down to -1.0 by the tokens of the reply (``RewardSample.response_tokens``).

    Raises:
        ValueError: not 0 < cache_tokens <= max_tokens.
    """

    name = "overlong_penalty"

    def __init__(self, max_tokens: int, cache_tokens: int) -> None:
        if not 0 < cache_tokens <= max_tokens:
            raise ValueError(f"0 < cache_tokens <= max_tokens is needed, got {cache_tokens} and {max_tokens}")
        self.max_tokens, self.cache_tokens = max_tokens, cache_tokens

    def score(self, sample: RewardSample) -> Score:
        """-1.0 to 0.0; error ``scorer_exception`` where the sample has no token count."""
        if sample.response_tokens is None:
            return Score.failed("scorer_exception", f"sample {sample.id} has no response_tokens")
        beyond = sample.response_tokens - (self.max_tokens - self.cache_tokens)
        return Score.of(-min(max(beyond, 0) / self.cache_tokens, 1.0) if beyond > 0 else 0.0)
