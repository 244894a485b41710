"""Cleaning conversations: each comes out clean, ends filtered (empty_turn, language) or is, with cues of a
crisis, set aside for review.

Collaborators: ``text_rules``, ``crisis``.
Invariants:
- One record or outcome per row, in the order of the rows, then the block's counts.
- Cues are looked for in every turn as it was written, before any rule could take a word out of it, and in
  those turns of the conversation that go no further.
- What is set aside has been redacted, so that the reviewer sees no personal data either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pyarrow as pa

from data_pipeline.cleaning.cleaned_row import CleanedRow, rule_counts
from data_pipeline.cleaning.crisis import Cue, crisis_cues
from data_pipeline.cleaning.crisis_post import CrisisPost
from data_pipeline.cleaning.language import language_of
from data_pipeline.cleaning.raw_post import RawPost
from data_pipeline.cleaning.rule_counts import RuleCounts, TakenOut
from data_pipeline.cleaning.text_rules import cleaned
from data_pipeline.rows.mixed_records import to_mixed
from data_pipeline.rows.row_origin import RowOrigin
from psyche_rl.config.cleaning import CleanConfig
from psyche_rl.records import Dialogue, Message, Quarantined, Record, RowOutcome, content_id

STAGE = "posts"
POST_ENDS: tuple[type[Record], ...] = (Dialogue, CrisisPost, RowOutcome, Quarantined, RuleCounts)
ELSEWHERE = "elsewhere"
SPEAKER = {"user": "seeker", "assistant": "counsellor", "system": "system", ELSEWHERE: "another turn"}
"""Role of a turn -> what a reviewer is told of who said it."""


def clean_posts(block: pa.Table, clean: CleanConfig) -> pa.Table:
    """Ray Data: a block of raw posts to outcomes of :data:`POST_ENDS`."""
    rows = [clean_post(post, clean) for post in RawPost.from_table(block)]
    return to_mixed([*(row.end for row in rows), rule_counts(STAGE, rows)], POST_ENDS)


def clean_post(post: RawPost, clean: CleanConfig) -> CleanedRow:
    """The dialogue with clean words and the content id of them; or what became of it."""
    dialogue = post.dialogue
    cues = [*cues_of(dialogue.messages), *_cues_elsewhere(post.others)] if clean.crisis_review else []
    counts: Counter[str] = Counter({f"crisis.{cue.kind}": 1 for _, cue in cues})
    taken: list[TakenOut] = []
    messages = []
    for message in dialogue.messages:
        found = cleaned(message.content, clean)
        counts.update(found.counts)
        taken += [
            TakenOut(stage=STAGE, source=dialogue.source, row=dialogue.row, rule=rule, text=part)
            for rule, part in found.taken_out
        ]
        messages.append(Message(role=message.role, content=found.text))
    end = _end(dialogue, messages, cues, clean)
    if isinstance(end, RowOutcome):
        counts[f"filter.{end.filter}"] += 1
    return CleanedRow(end, as_text(messages), counts, taken, cues)


def cues_of(messages: Sequence[Message]) -> list[tuple[str, Cue]]:
    """(role, cue) of every cue in the words of a conversation."""
    return [(message.role, cue) for message in messages for cue in crisis_cues(message.content)]


def _cues_elsewhere(others: Sequence[str]) -> list[tuple[str, Cue]]:
    return [(ELSEWHERE, cue) for words in others for cue in crisis_cues(words)]


def as_text(messages: Sequence[Message]) -> str:
    """A conversation as one text, a line for each turn."""
    return "\n".join(f"{SPEAKER[message.role]}: {message.content}" for message in messages)


def _end(
    dialogue: Dialogue, messages: Sequence[Message], cues: Sequence[tuple[str, Cue]], clean: CleanConfig
) -> Dialogue | CrisisPost | RowOutcome:
    why = _verdict(messages, clean)
    if why is not None:
        left_out = RowOrigin.at(STAGE, dialogue.source, dialogue.row)
        return left_out.filtered(*why, as_text(messages))
    words = [message.content for message in messages]
    clean_one = dialogue.model_copy(
        update={"id": content_id("dialogue", *words), "messages": tuple(messages)}
    )
    return CrisisPost(dialogue=clean_one, cues=_named(cues)) if cues else clean_one


def _verdict(messages: Sequence[Message], clean: CleanConfig) -> tuple[str, str] | None:
    for place, message in enumerate(messages, 1):
        if not message.content:
            return "empty_turn", f"nothing is left of turn {place} after cleaning"
    if clean.languages:
        language = language_of("\n".join(message.content for message in messages))
        if language not in clean.languages:
            return "language", f"the language is {language}; kept are {', '.join(clean.languages)}"
    return None


def _named(cues: Sequence[tuple[str, Cue]]) -> str:
    """The first cue of each kind, in words that say whose it is."""
    first: dict[str, str] = {}
    for role, cue in cues:
        first.setdefault(cue.kind, f"{cue}, {SPEAKER[role]}")
    return "; ".join(first.values())
