"""Cleaning of source text (paper section 3.1): the names that other stages use. The rules are in
``data_pipeline.cleaning``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pyarrow as pa

from data_pipeline.cleaning.folding import fold
from data_pipeline.cleaning.passages import STAGE, clean_one
from data_pipeline.cleaning.rules import clean_text
from data_pipeline.outcomes import to_outcomes
from psyche_rl.config.cleaning import CleanConfig
from psyche_rl.records import Passage, Quarantined

__all__ = ["clean_block", "clean_passage", "clean_text", "fold", "without_repeats"]

_DEFAULT = CleanConfig()


def clean_passage(passage: Passage, clean: CleanConfig = _DEFAULT) -> Passage | Quarantined:
    """The clean passage; a filtered one as a quarantined row."""
    found = clean_one(passage, clean, Counter())
    if isinstance(found, Passage):
        return found
    return Quarantined(
        stage=STAGE, source=found.source, row=found.row, reason=found.reason, content=found.content
    )


def clean_block(block: pa.Table) -> pa.Table:
    """Ray Data: a block of passages, cleaned by the default settings."""
    return to_outcomes(
        (clean_passage(passage) for passage in Passage.from_table(block)), (Passage, Quarantined)
    )


def without_repeats(passages: Iterable[Passage]) -> list[Passage]:
    """The first of each text (exact redundancy; near-duplicates are another stage's matter)."""
    return list({passage.id: passage for passage in reversed(list(passages))}.values())[::-1]
