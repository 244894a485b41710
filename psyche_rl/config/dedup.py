"""Near-duplicates among passages and questions (the first link of the paper's control chain)."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from psyche_rl.config.base import Contradiction, Section
from psyche_rl.config.bounds import PositiveShare


class DedupConfig(Section):
    """MinHash LSH over character shingles; the first of a group of near-duplicates is kept."""

    enabled: bool = True
    threshold: PositiveShare = 0.8
    """Estimated Jaccard similarity from which two texts are near-duplicates."""
    permutations: int = Field(128, ge=16, le=1024)
    """Slots of a signature: the estimate's standard error is at most 0.5 / sqrt(permutations)."""
    bands: int = Field(32, ge=1, le=1024)
    """LSH bands; they divide ``permutations``. More bands find more pairs and verify more candidates."""
    shingle: int = Field(3, ge=1, le=20)
    """Characters per shingle, counted over text without spaces and punctuation."""

    def contradictions(self) -> Iterator[Contradiction]:
        """Every band has the same number of slots."""
        if self.permutations % self.bands:
            yield Contradiction(
                ("bands", "permutations"),
                self.bands,
                f"bands={self.bands} does not divide permutations={self.permutations}",
                "take a divisor of permutations, a power of two say",
            )
