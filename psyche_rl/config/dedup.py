"""Near-duplicates among passages and questions (the first link of the paper's control chain)."""

from __future__ import annotations

from pydantic import Field, model_validator

from psyche_rl.config.base import Section


class DedupConfig(Section):
    """MinHash LSH over character shingles; the first of a group of near-duplicates is kept."""

    enabled: bool = True
    threshold: float = Field(0.8, gt=0, le=1)
    """Estimated Jaccard similarity from which two texts are near-duplicates."""
    permutations: int = Field(128, ge=16, le=1024)
    """Slots of a signature: the estimate's standard error is at most 0.5 / sqrt(permutations)."""
    bands: int = Field(32, ge=1)
    """LSH bands; they divide ``permutations``. More bands find more pairs and verify more candidates."""
    shingle: int = Field(3, ge=1, le=20)
    """Characters per shingle, counted over text without spaces and punctuation."""

    @model_validator(mode="after")
    def _bands_divide(self) -> DedupConfig:
        if self.permutations % self.bands:
            raise ValueError(f"bands={self.bands} does not divide permutations={self.permutations}")
        return self
