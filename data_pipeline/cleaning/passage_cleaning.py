"""Cleaning passages: each comes out as a clean passage, or ends filtered (too_short, language).

Collaborators: ``text_rules`` change the text; ``ingest.cleaned_stream`` maps :func:`clean_passages` over
blocks. Invariant: one record or outcome per row, in the order of the rows, then the block's counts.
"""

from __future__ import annotations

import pyarrow as pa

from data_pipeline.cleaning.cleaned_row import CleanedRow, rule_counts
from data_pipeline.cleaning.language import language_of
from data_pipeline.cleaning.rule_counts import RuleCounts, TakenOut
from data_pipeline.cleaning.text_rules import cleaned
from data_pipeline.rows.mixed_records import to_mixed
from data_pipeline.rows.row_origin import RowOrigin
from psyche_rl.config.cleaning import CleanConfig
from psyche_rl.records import Passage, Quarantined, Record, RowOutcome, content_id

STAGE = "passages"
PASSAGE_ENDS: tuple[type[Record], ...] = (Passage, RowOutcome, Quarantined, RuleCounts)


def clean_passages(block: pa.Table, clean: CleanConfig) -> pa.Table:
    """Ray Data: a block of passages to outcomes of :data:`PASSAGE_ENDS`."""
    rows = [clean_passage(passage, clean) for passage in Passage.from_table(block)]
    return to_mixed([*(row.end for row in rows), rule_counts(STAGE, rows)], PASSAGE_ENDS)


def clean_passage(passage: Passage, clean: CleanConfig) -> CleanedRow:
    """The passage with clean text and the content id of it, or its end by the filter that left it out."""
    found = cleaned(passage.text, clean)
    text, counts = found.text, found.counts
    taken = [
        TakenOut(stage=STAGE, source=passage.source, row=passage.row, rule=rule, text=part)
        for rule, part in found.taken_out
    ]
    why = verdict(text, clean)
    if why is not None:
        counts[f"filter.{why[0]}"] += 1
        left_out = RowOrigin.at(STAGE, passage.source, passage.row).filtered(*why, passage.text)
        return CleanedRow(left_out, text, counts, taken)
    title = cleaned(passage.title, clean).text if passage.title else None
    clean_one = passage.model_copy(
        update={"id": content_id("passage", text), "text": text, "title": title or None}
    )
    return CleanedRow(clean_one, text, counts, taken)


def verdict(text: str, clean: CleanConfig) -> tuple[str, str] | None:
    """The filter that a clean text falls to, and why."""
    if len(text) < clean.min_chars:
        return "too_short", f"{len(text)} characters left after cleaning; a passage needs {clean.min_chars}"
    if clean.languages:
        language = language_of(text)
        if language not in clean.languages:
            return "language", f"the language is {language}; kept are {', '.join(clean.languages)}"
    return None
