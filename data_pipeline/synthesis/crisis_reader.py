"""The second reader for crises: the teacher reads the posts in which the screen of ``cleaning`` saw no cue.

Collaborators: the LLM through ``json_calls``; ``steps`` maps :func:`crisis_block` over posts where
``clean.crisis_reader`` is on, and queues what it flags.
Invariants:
- It only adds: no answer takes a post out of the review queue.
- A post ends as ok only if the reader said that there is nothing; without a readable answer it is for a
  person too.
- The same post is asked about once, the answer is kept with the other calls.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from actors.llm.client import LLM
from data_pipeline.cleaning.crisis_lexicon import KINDS
from data_pipeline.domains import Domain
from data_pipeline.review import Flag
from data_pipeline.rows.mixed_records import to_mixed
from data_pipeline.rows.row_origin import RowOrigin
from data_pipeline.synthesis.json_calls import Unreadable, ask_until_read
from data_pipeline.synthesis.multi_turn import as_text
from data_pipeline.synthesis.reply_schemas import CrisisReading
from data_pipeline.synthesis.templates import request
from psyche_rl.errors import ConfigError
from psyche_rl.llm import CallFailure
from psyche_rl.llm.json_reply import rows_in_reply
from psyche_rl.records import Dialogue, RowOutcome

STAGE = "crisis_reader"
PROMPT = "crisis"
OTHER = "other"


def check_prompt(domain: Domain) -> None:
    """Raises:
    ConfigError: the domain has no prompt for the second reader.
    """
    if PROMPT not in domain.prompts:
        raise ConfigError(
            f"clean.crisis_reader is on, but the domain {domain.name} has no prompts/{PROMPT}.j2; write it "
            f"(docs/domains.md), or set clean.crisis_reader=false"
        )


def crisis_block(block: pa.Table, seed: int, llm: LLM, domain: Domain) -> pa.Table:
    """Ray Data: a block of posts to one outcome each."""
    posts = Dialogue.from_table(block)
    prompts = [
        domain.render(PROMPT, dialogue=as_text(post.messages, domain.words.speakers)) for post in posts
    ]
    requests = [request(llm.teacher, prompt, sample=seed) for prompt in prompts]
    replies = ask_until_read(llm, requests, CrisisReading, kinds_of, STAGE)
    ended = [_outcome(post, reply, domain) for post, reply in zip(posts, replies, strict=True)]
    return to_mixed(ended, (RowOutcome,))


def kinds_of(reply: str) -> tuple[tuple[str, ...], str]:
    """The kinds that the reader names (unknown ones as ``other``), and the words it means.

    Raises:
        ValueError: it holds no list of kinds.
    """
    fields = rows_in_reply(reply)[0]
    named = fields.get("kinds")
    if not isinstance(named, list):
        raise ValueError("no list of kinds")
    codes = [str(code).strip() for code in named if str(code).strip()]
    found = dict.fromkeys(code if code in KINDS else OTHER for code in codes)
    return tuple(found), str(fields.get("words") or "").strip()


def flags_of(outcomes: Sequence[RowOutcome]) -> list[Flag]:
    """Posts for a person to read: those the reader named, and those it said nothing readable of."""
    return [
        Flag(
            end.row,
            "crisis",
            end.reason if end.status == "filtered" else f"second reader without an answer: {end.reason}",
        )
        for end in outcomes
        if end.status != "ok"
    ]


def _outcome(
    post: Dialogue, reply: tuple[tuple[str, ...], str] | Unreadable | CallFailure, domain: Domain
) -> RowOutcome:
    row = RowOrigin(STAGE, post.id, post.source, prompt=domain.version(PROMPT))
    if isinstance(reply, CallFailure):
        return row.failed(reply)
    if isinstance(reply, Unreadable):
        return row.quarantined(reply.reason, reply.text)
    kinds, words = reply
    if kinds:
        return row.filtered(kinds[0], f"{', '.join(kinds)}: {words}, second reader", words)
    return row.ok(post.id)
