"""Cleaning conversations: each comes out clean, ends filtered (empty_turn, language) or is, with cues of
self-harm or violence, set aside for review.

Collaborators: ``text_rules``, ``crisis``.
Invariants:
- One record or outcome per row, in the order of the rows, then the block's counts.
- What is set aside has been redacted, so that the reviewer sees no personal data either.
"""

from __future__ import annotations

from collections import Counter

import pyarrow as pa

from data_pipeline.cleaning.crisis import crisis_cues
from data_pipeline.cleaning.crisis_post import CrisisPost
from data_pipeline.cleaning.language import language_of
from data_pipeline.cleaning.rule_counts import RuleCounts
from data_pipeline.cleaning.text_rules import cleaned
from data_pipeline.rows.mixed_records import to_mixed
from data_pipeline.rows.row_origin import RowOrigin
from psyche_rl.config.cleaning import CleanConfig
from psyche_rl.records import Dialogue, Message, Quarantined, Record, RowOutcome, content_id

STAGE = "posts"
POST_ENDS: tuple[type[Record], ...] = (Dialogue, CrisisPost, RowOutcome, Quarantined, RuleCounts)
_SPEAKER = {"user": "seeker", "assistant": "counsellor", "system": "system"}


def clean_posts(block: pa.Table, clean: CleanConfig) -> pa.Table:
    """Ray Data: a block of dialogues to outcomes of :data:`POST_ENDS`."""
    counts: Counter[str] = Counter()
    outcomes: list[Record] = [clean_dialogue(d, clean, counts) for d in Dialogue.from_table(block)]
    outcomes.append(RuleCounts(stage=STAGE, counts=dict(sorted(counts.items()))))
    return to_mixed(outcomes, POST_ENDS)


def clean_dialogue(
    dialogue: Dialogue, clean: CleanConfig, counts: Counter[str]
) -> Dialogue | CrisisPost | RowOutcome:
    """The dialogue with clean words and the content id of them; or what became of it."""
    messages = []
    for message in dialogue.messages:
        text, hits = cleaned(message.content, clean)
        counts.update(hits)
        messages.append(Message(role=message.role, content=text))
    found = _verdict(messages, clean)
    if found is not None:
        counts[f"filter.{found[0]}"] += 1
        return RowOrigin.at(STAGE, dialogue.source, dialogue.row).filtered(*found, _as_text(messages))
    words = [message.content for message in messages]
    found_clean = dialogue.model_copy(
        update={"id": content_id("dialogue", *words), "messages": tuple(messages)},
    )
    cues = _cues(messages) if clean.crisis_review else {}
    if cues:
        counts.update(cues.keys())
        return CrisisPost(dialogue=found_clean, cues="; ".join(cues.values()))
    return found_clean


def _verdict(messages: list[Message], clean: CleanConfig) -> tuple[str, str] | None:
    for place, message in enumerate(messages, 1):
        if not message.content:
            return "empty_turn", f"nothing is left of turn {place} after cleaning"
    if clean.languages:
        language = language_of("\n".join(message.content for message in messages))
        if language not in clean.languages:
            return "language", f"the language is {language}; kept are {', '.join(clean.languages)}"
    return None


def _cues(messages: list[Message]) -> dict[str, str]:
    """Rule name -> the first cue of that kind, in words that say whose it is."""
    found: dict[str, str] = {}
    for message in messages:
        for cue in crisis_cues(message.content):
            found.setdefault(f"crisis.{cue.kind}", f"{cue}, {_SPEAKER[message.role]}")
    return found


def _as_text(messages: list[Message]) -> str:
    return "\n".join(f"{_SPEAKER[message.role]}: {message.content}" for message in messages)
