"""Cues of a crisis that a domain names itself, in place of the built-in ones.

Collaborators: ``domains`` reads the cues, ``post_cleaning`` cleans; ``synthesis.texts`` has posts cleaned so.
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

import pyarrow as pa

from data_pipeline.cleaning.crisis_post import CrisisPost
from data_pipeline.cleaning.post_cleaning import ELSEWHERE, POST_ENDS, SPEAKER, clean_posts
from data_pipeline.cleaning.raw_post import RawPost
from data_pipeline.ingest.clean_blocks import POSTS, CleanedKind
from data_pipeline.rows.mixed_records import from_mixed, places_of, to_mixed
from psyche_rl.config.cleaning import CleanConfig
from psyche_rl.records import Dialogue, Record

Cues = Mapping[str, Sequence[str]]
"""Kind -> regular expressions over text in lower case, full-width forms folded."""


def posts_with(cues: Cues | None) -> CleanedKind:
    """How posts are read and cleaned, with a domain's own cues where it has some."""
    return POSTS if cues is None else replace(POSTS, clean=partial(clean_with_cues, cues=cues))


def clean_with_cues(block: pa.Table, clean: CleanConfig, cues: Cues) -> pa.Table:
    """As ``clean_posts``, with ``cues`` in place of the built-in ones."""
    cleaned = clean_posts(block, clean.model_copy(update={"crisis_review": False}))
    if not clean.crisis_review:
        return cleaned
    ended: list[Record] = [*_records(cleaned)]
    for place, raw in enumerate(RawPost.from_table(block)):
        found, end = cues_in(raw, cues), ended[place]
        if found and isinstance(end, Dialogue):
            ended[place] = CrisisPost(dialogue=end, cues="; ".join(found))
    return to_mixed(ended, POST_ENDS)


def cues_in(post: RawPost, cues: Cues) -> list[str]:
    """The first cue of each kind, in words that say whose it is."""
    first: dict[str, str] = {}
    said = [(message.role, message.content) for message in post.dialogue.messages]
    for role, words in [*said, *((ELSEWHERE, other) for other in post.others)]:
        text = unicodedata.normalize("NFKC", words).casefold()
        for kind, patterns in cues.items():
            if hit := _pattern(tuple(patterns)).search(text):
                first.setdefault(kind, f"{kind}: {hit[0]}, {SPEAKER[role]}")
    return list(first.values())


def _records(table: pa.Table) -> list[Record]:
    found = {
        place: record
        for kind in POST_ENDS
        for place, record in zip(places_of(table, kind), from_mixed(table, kind), strict=True)
    }
    return [found[place] for place in sorted(found)]


@cache
def _pattern(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))
