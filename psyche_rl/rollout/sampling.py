"""How tokens are drawn from logits: temperature, then top-k, then top-p.

Role: the one description of the sampled distribution that engine and learner share.
Collaborators: ``question_codec`` writes it into requests; the learner computes log-probabilities of it
(``learner.sampling_filter``). The reference model gets the temperature alone (docs/algorithms.md).
"""

from __future__ import annotations

from dataclasses import dataclass

from psyche_rl.config.grpo import GrpoConfig


@dataclass(frozen=True)
class Sampling:
    """By default the distribution is the model's own."""

    temperature: float = 1.0
    """Divides the logits; 0 is greedy, which engines know and the learner does not."""
    top_p: float = 1.0
    """Probability that the likeliest tokens, as few as possible, must have together; 1 keeps all."""
    top_k: int | None = None
    """How many of the likeliest tokens are kept; None: all."""

    @classmethod
    def of(cls, config: GrpoConfig) -> Sampling:
        """What ``grpo`` in the config asks for."""
        return cls(config.temperature, config.top_p, config.top_k)

    @property
    def filters(self) -> bool:
        """Whether some tokens cannot be drawn at all."""
        return self.top_p < 1 or self.top_k is not None


PLAIN = Sampling()
"""The model's own distribution."""
GREEDY = Sampling(temperature=0.0)
