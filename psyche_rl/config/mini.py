"""The mini world: texts, teacher and models made on the spot, for machines without downloads."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from psyche_rl.config.base import Section

Family = Literal["qwen2", "llama", "phi3"]
FAMILIES: tuple[Family, ...] = ("qwen2", "llama", "phi3")


class MiniModelConfig(Section):
    """Shape of the tiny models. vLLM on CPU needs a head size of 32, 64, 80, 96, 112, 128, ..."""

    hidden_size: int = 96
    layers: int = 2
    heads: int = 3
    intermediate_size: int = 288
    vocab_size: int = 2000
    """Merges of the tokenizer; concept names and key phrases come on top."""
    tie_embeddings: bool = True
    max_positions: int = 2048
    init_std: float = 0.05
    """Larger than usual: at 0.02 so small a model does not learn the facts in the time given."""


class MiniConfig(Section):
    """What the world stage makes, and how faulty its teacher is by design."""

    model: MiniModelConfig = MiniModelConfig()
    pretrain_steps: int = Field(700, ge=1)
    pretrain_lr: float = 2.5e-3
    selectors: tuple[Family, ...] = Field(FAMILIES, min_length=1)
    """Families of the selectors that are made, one of each."""
    selector_steps: int = Field(400, ge=1)
    exam_dev: int = Field(200, ge=10)
    exam_test: int = Field(600, ge=10)
    exam_multiple_share: float = 0.5
    key_omission: float = Field(0.7, ge=0, le=1)
    """Share of multiple-choice keys from which the scripted teacher leaves out a right option."""
    selector_key_omission: float = Field(0.75, ge=0, le=1)
    """The same share in what the selectors were brought up on: about as often."""
    wrong_rationale: float = Field(0.05, ge=0, le=1)
    """Share of the teacher's rationales that reach another answer than the key."""
    malformed: float = Field(0.02, ge=0, le=1)
    """Share of the teacher's question replies that are not the JSON asked for."""
    fault_rate: float = Field(0.01, ge=0, le=1)
    """Share of the teacher's HTTP replies that are 429 or 500."""

    @field_validator("selectors")
    @classmethod
    def _one_of_each(cls, families: tuple[Family, ...]) -> tuple[Family, ...]:
        if len(set(families)) < len(families):
            raise ValueError("a family is named twice")
        return families
