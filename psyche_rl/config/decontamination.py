"""Decontamination: no training record may hold an item of an evaluation set."""

from __future__ import annotations

from pydantic import Field

from psyche_rl.config.base import Section
from psyche_rl.config.bounds import PositiveShare


class DecontaminateConfig(Section):
    """Four rules on characters (the same item, n-grams, MinHash, edits) and one on meaning."""

    enabled: bool = True
    against: tuple[str, ...] = ()
    """Evaluation sets besides the run's own held-out exam: files or folders (JSON, JSONL, parquet)."""
    ngram: int = Field(8, ge=2, le=50)
    """Characters per n-gram, counted over folded text without spaces and punctuation."""
    share: PositiveShare = 0.8
    """Share of an item's n-grams that a record must hold to match."""
    stem_chars: int = Field(8, ge=1, le=1000)
    """Characters from which a stem without its options identifies an item in running text;
    three times as many where several items share the stem or it speaks of a case."""
    jaccard: PositiveShare = 0.7
    """Jaccard similarity of the MinHash rule (candidates by LSH, then computed exactly)."""
    similarity: PositiveShare = 0.85
    """Similarity in edits of characters from which a question with its options is a light paraphrase."""
    shingle: int = Field(3, ge=1, le=20)
    """Characters per shingle of the MinHash rule."""
    embedding_model: str | None = None
    """Folder of a sentence-transformers model: texts that mean the same match too."""
    embedding_similarity: PositiveShare = 0.9
    """Cosine from which a text is an item in other words; what is right differs from model to model."""
