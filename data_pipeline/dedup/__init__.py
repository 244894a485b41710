"""Near-duplicates among passages and questions, by MinHash LSH (paper section 3.1.1, control chain)."""

from data_pipeline.dedup.near_duplicates import (
    NearDuplicate,
    NearDuplicates,
    question_shingles,
    unique_passages,
    unique_questions,
)

__all__ = ["NearDuplicate", "NearDuplicates", "question_shingles", "unique_passages", "unique_questions"]
