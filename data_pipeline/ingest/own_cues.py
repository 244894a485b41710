"""Cues of a crisis that a domain names itself, in place of the built-in ones.

Collaborators: ``domains`` reads the cues, ``post_cleaning`` cleans; ``synthesis.texts`` and the command
``psyche-rl clean`` have posts cleaned so.
Invariants:
- Cues are looked for in every turn as it was written, before cleaning could take a word away.
- Nothing else about cleaning changes: the same rows, in the same order.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, cast

import pyarrow as pa

from data_pipeline.cleaning.cleaned_row import CleanedRow, rule_counts
from data_pipeline.cleaning.crisis import Cue
from data_pipeline.cleaning.crisis_post import CrisisPost
from data_pipeline.cleaning.post_cleaning import ELSEWHERE, POST_ENDS, SPEAKER, STAGE, clean_post
from data_pipeline.cleaning.raw_post import RawPost
from data_pipeline.domains import Domain
from data_pipeline.ingest.clean_blocks import POSTS, CleanedKind
from data_pipeline.rows.mixed_records import to_mixed
from psyche_rl.config.cleaning import CleanConfig
from psyche_rl.records import Dialogue

if TYPE_CHECKING:
    from data_pipeline.cleaning.crisis_lexicon import CueKind

Cues = Mapping[str, Sequence[str]]
"""Kind -> regular expressions over text in lower case, full-width forms folded."""


def posts_with(cues: Cues | None) -> CleanedKind:
    """How posts are read and cleaned, with a domain's own cues where it has some."""
    if cues is None:
        return POSTS
    clean, clean_row = partial(clean_with_cues, cues=cues), partial(clean_row_with_cues, cues=cues)
    return replace(POSTS, clean=clean, clean_row=clean_row)


def cleaning_with(clean: CleanConfig, domain: Domain) -> CleanConfig:
    """The settings of cleaning, as the domain has them: one without cues reviews no crisis."""
    without = {"crisis_review": False} if domain.words.cues == "none" else {}
    return clean.model_copy(update=without)


def clean_with_cues(block: pa.Table, clean: CleanConfig, cues: Cues) -> pa.Table:
    """As ``clean_posts``, with ``cues`` in place of the built-in ones."""
    rows = [clean_row_with_cues(post, clean, cues) for post in RawPost.from_table(block)]
    return to_mixed([*(row.end for row in rows), rule_counts(STAGE, rows)], POST_ENDS)


def clean_row_with_cues(post: RawPost, clean: CleanConfig, cues: Cues) -> CleanedRow:
    """As ``clean_post``, with ``cues`` in place of the built-in ones."""
    row = clean_post(post, clean.model_copy(update={"crisis_review": False}))
    found = cues_in(post, cues) if clean.crisis_review else []
    if found and isinstance(row.end, Dialogue):
        return replace(row, end=CrisisPost(dialogue=row.end, cues=_named(found)), cues=found)
    return replace(row, cues=found)


def cues_in(post: RawPost, cues: Cues) -> list[tuple[str, Cue]]:
    """(role of the turn, cue) of the first cue of each kind in each turn."""
    said = [(message.role, message.content) for message in post.dialogue.messages]
    turns = [*said, *((ELSEWHERE, other) for other in post.others)]
    return [(role, cue) for role, words in turns for cue in own_cues(words, cues)]


def own_cues(words: str, cues: Cues) -> list[Cue]:
    """The first cue of each kind in a text as it was written."""
    text = unicodedata.normalize("NFKC", words).casefold()
    hits = ((kind, _pattern(tuple(patterns)).search(text)) for kind, patterns in cues.items())
    return [Cue(cast("CueKind", kind), hit[0]) for kind, hit in hits if hit]


def _named(found: Sequence[tuple[str, Cue]]) -> str:
    """The first cue of each kind, in words that say whose it is."""
    first: dict[str, str] = {}
    for role, cue in found:
        first.setdefault(cue.kind, f"{cue}, {SPEAKER[role]}")
    return "; ".join(first.values())


@cache
def _pattern(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))
