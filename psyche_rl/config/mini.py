"""The mini world: texts, teacher and models made on the spot, for machines without downloads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, field_validator

from psyche_rl.config.base import Contradiction, RefusedValueError, Section
from psyche_rl.config.bounds import Count, LearningRate, PositiveShare, Share, Width

Family = Literal["qwen2", "llama", "phi3"]
FAMILIES: tuple[Family, ...] = ("qwen2", "llama", "phi3")
HEAD_SIZES = (32, 64, 80, 96, 112, 128, 160, 192, 224, 256, 512)
"""What vLLM's attention on CPU is compiled for (``vllm.v1.attention.backends.cpu_attn``)."""
_SIZES = ", ".join(map(str, HEAD_SIZES))


class MiniModelConfig(Section):
    """Shape of the tiny models; ``hidden_size / heads`` is one of ``HEAD_SIZES``."""

    hidden_size: Width = 96
    layers: int = Field(2, ge=1, le=200)
    heads: Width = 3
    intermediate_size: Width = 288
    vocab_size: int = Field(2000, ge=300, le=2**17)
    """Merges of the tokenizer; concept names and key phrases come on top."""
    tie_embeddings: bool = True
    max_positions: int = Field(2048, ge=16, le=10**7)
    init_std: PositiveShare = 0.05
    """Larger than usual: at 0.02 so small a model does not learn the facts in the time given."""

    def contradictions(self) -> Iterator[Contradiction]:
        """The width is cut into heads of a size that vLLM serves on a CPU."""
        if self.hidden_size % self.heads:
            yield Contradiction(
                ("heads", "hidden_size"),
                self.heads,
                f"heads={self.heads} does not divide hidden_size={self.hidden_size}",
                f"take a divisor of hidden_size whose heads have one of {_SIZES} dimensions",
            )
        elif (size := self.hidden_size // self.heads) not in HEAD_SIZES:
            yield Contradiction(
                ("heads", "hidden_size"),
                self.heads,
                f"hidden_size={self.hidden_size} makes heads of {size} dimensions, which vLLM on CPU lacks",
                f"choose heads and hidden_size so that a head has one of {_SIZES} dimensions",
            )


class MiniConfig(Section):
    """What the world stage makes, and how faulty its teacher is by design."""

    model: MiniModelConfig = MiniModelConfig()
    pretrain_steps: Count = 700
    pretrain_lr: LearningRate = 2.5e-3
    selectors: tuple[Family, ...] = Field(FAMILIES, min_length=1)
    """Families of the selectors that are made, one of each."""
    selector_steps: Count = 400
    exam_dev: int = Field(200, ge=10, le=100_000)
    exam_test: int = Field(600, ge=10, le=100_000)
    exam_multiple_share: Share = 0.5
    key_omission: Share = 0.7
    """Share of multiple-choice keys from which the scripted teacher leaves out a right option."""
    selector_key_omission: Share = 0.75
    """The same share in what the selectors were trained on: about as often."""
    wrong_rationale: Share = 0.05
    """Share of the teacher's rationales that reach another answer than the key."""
    malformed: Share = 0.02
    """Share of the teacher's question replies that are not the JSON asked for."""
    fault_rate: Share = 0.01
    """Share of the teacher's HTTP replies that are 429 or 500."""

    @field_validator("selectors")
    @classmethod
    def _one_of_each(cls, families: tuple[Family, ...]) -> tuple[Family, ...]:
        if len(set(families)) < len(families):
            raise RefusedValueError("a family is named twice", "name each once")
        return families
