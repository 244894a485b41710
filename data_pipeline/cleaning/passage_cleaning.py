"""Cleaning passages: each comes out as a clean passage, or ends filtered (too_short, language).

Collaborators: ``text_rules`` change the text; ``ingest.cleaned_stream`` maps :func:`clean_passages` over
blocks. Invariant: one record or outcome per row, in the order of the rows, then the block's counts.
"""

from __future__ import annotations

from collections import Counter

import pyarrow as pa

from data_pipeline.cleaning.language import language_of
from data_pipeline.cleaning.rule_counts import RuleCounts
from data_pipeline.cleaning.text_rules import cleaned
from data_pipeline.rows.mixed_records import to_mixed
from data_pipeline.rows.row_origin import RowOrigin
from psyche_rl.config.cleaning import CleanConfig
from psyche_rl.records import Passage, Quarantined, Record, RowOutcome, content_id

STAGE = "passages"
PASSAGE_ENDS: tuple[type[Record], ...] = (Passage, RowOutcome, Quarantined, RuleCounts)


def clean_passages(block: pa.Table, clean: CleanConfig) -> pa.Table:
    """Ray Data: a block of passages to outcomes of :data:`PASSAGE_ENDS`."""
    counts: Counter[str] = Counter()
    outcomes: list[Record] = [clean_one(p, clean, counts) for p in Passage.from_table(block)]
    outcomes.append(RuleCounts(stage=STAGE, counts=dict(sorted(counts.items()))))
    return to_mixed(outcomes, PASSAGE_ENDS)


def clean_one(passage: Passage, clean: CleanConfig, counts: Counter[str]) -> Passage | RowOutcome:
    """The passage with clean text and the content id of it, or its end by the filter that left it out."""
    text, hits = cleaned(passage.text, clean)
    counts.update(hits)
    found = verdict(text, clean)
    if found is not None:
        counts[f"filter.{found[0]}"] += 1
        return RowOrigin.at(STAGE, passage.source, passage.row).filtered(*found, passage.text)
    title = cleaned(passage.title, clean)[0] if passage.title else None
    return passage.model_copy(
        update={"id": content_id("passage", text), "text": text, "title": title or None}
    )


def verdict(text: str, clean: CleanConfig) -> tuple[str, str] | None:
    """The filter that a clean text falls to, and why."""
    if len(text) < clean.min_chars:
        return "too_short", f"{len(text)} characters left after cleaning; a passage needs {clean.min_chars}"
    if clean.languages:
        language = language_of(text)
        if language not in clean.languages:
            return "language", f"the language is {language}; kept are {', '.join(clean.languages)}"
    return None
