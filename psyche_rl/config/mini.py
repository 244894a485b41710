"""The mini world: texts, teacher and models made on the spot, for machines without downloads."""

from __future__ import annotations

from pydantic import Field

from psyche_rl.config.base import Section


class MiniModelConfig(Section):
    """Shape of the tiny models. vLLM on CPU needs a head size of 32, 64, 80, 96, 112, 128, ..."""

    hidden_size: int = 64
    layers: int = 2
    heads: int = 2
    intermediate_size: int = 192
    vocab_size: int = 1500
    tie_embeddings: bool = True
    max_positions: int = 2048


class MiniConfig(Section):
    """What the world stage makes, and how faulty its teacher is by design."""

    model: MiniModelConfig = MiniModelConfig()
    pretrain_steps: int = Field(500, ge=0)
    pretrain_lr: float = 4e-3
    pretrain_batch: int = Field(32, ge=1)
    selector_questions: int = Field(1500, ge=1)
    selector_epochs: int = Field(4, ge=1)
    selector_lr: float = 3e-3
    selector_batch: int = Field(32, ge=1)
    exam_questions: int = Field(900, ge=10)
    """Questions of the held-out exam, dev and test together."""
    exam_multiple_share: float = 0.5
    key_omission: float = Field(0.7, ge=0, le=1)
    """Share of multiple-choice keys from which the scripted teacher leaves out a right option."""
    wrong_rationale: float = Field(0.05, ge=0, le=1)
    """Share of the teacher's rationales that reach another answer than the key."""
    malformed: float = Field(0.02, ge=0, le=1)
    """Share of the teacher's replies that are not the JSON asked for."""
    fault_rate: float = Field(0.01, ge=0, le=1)
    """Share of the teacher's HTTP replies that are 429 or 500."""
