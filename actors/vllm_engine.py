"""A live vLLM engine in this process. API draft: signatures and docstrings hold; bodies follow."""

from __future__ import annotations

from collections.abc import Sequence

from psyche_rl.config.engine import EngineConfig
from psyche_rl.records import GenerationRequest, Sample
from psyche_rl.rollout.engine import Weights


class VllmEngine:
    """Implements :class:`psyche_rl.rollout.engine.RolloutEngine`."""

    def __init__(self, model_dir: str, config: EngineConfig, *, version: int = 0) -> None:
        """Load a local Hugging Face folder (safetensors only).

        Raises:
            ModelError: folder, config or tokenizer missing, or vLLM cannot serve it.
        """

    def generate(self, requests: Sequence[GenerationRequest]) -> list[list[Sample]]:
        """One list of ``n`` samples for each request; logprobs in nats, of the sampled token, temperature 1."""
        raise NotImplementedError

    def update_weights(self, weights: Weights, version: int) -> None:
        """Serve ``weights`` from now on, as ``version``.

        Raises:
            WeightSyncError: names are missing or unknown, or a shape does not fit.
        """
        raise NotImplementedError

    def weight_version(self) -> int:
        """The version being served."""
        raise NotImplementedError
