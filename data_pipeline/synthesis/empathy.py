"""Empathetic dialogues (paper section 3.1.3): a real post's plain reply, rewritten with empathy.

Collaborators: the LLM through ``actors.llm.client``; ``reply_filters`` holds the rules; the synth stage
maps :func:`empathy_block`.
Invariant: each post ends in one outcome of the stage ``empathy``.
"""

from __future__ import annotations

import pyarrow as pa

from actors.llm.client import LLM
from data_pipeline.cleaning.text_rules import clean_text
from data_pipeline.domains import Domain
from data_pipeline.rows.mixed_records import to_mixed
from data_pipeline.rows.row_origin import RowOrigin
from data_pipeline.synthesis.reply_filters import reply_fault
from data_pipeline.synthesis.templates import request
from psyche_rl.config.synth import SynthConfig
from psyche_rl.llm import CallFailure, ChatResult
from psyche_rl.records import Dialogue, Message, RowOutcome, content_id
from rewards.reply import answer_part

STAGE = "empathy"


def empathy_block(block: pa.Table, synth: SynthConfig, seed: int, llm: LLM, domain: Domain) -> pa.Table:
    """Ray Data: a block of plain dialogues to empathetic ones and outcomes."""
    plain = Dialogue.from_table(block)
    requests = [
        request(
            llm.teacher,
            domain.render("empathy", post=d.messages[0].content, reply=d.messages[1].content),
            sample=seed,
        )
        for d in plain
    ]
    results = llm.complete(requests, "empathy")
    records: list[Dialogue | RowOutcome] = []
    for dialogue, result in zip(plain, results, strict=True):
        records += rewritten(dialogue, result, synth, domain)
    return to_mixed(records, (Dialogue, RowOutcome))


def rewritten(
    plain: Dialogue, result: ChatResult, synth: SynthConfig, domain: Domain
) -> list[Dialogue | RowOutcome]:
    """The empathetic dialogue of a reply with its outcome, or the outcome alone. Pure."""
    row = RowOrigin(STAGE, plain.id, plain.source, prompt=domain.version("empathy"))
    if isinstance(result, CallFailure):
        return [row.failed(result)]
    post, old = plain.messages[0], plain.messages[1].content
    text = clean_text(answer_part(result.text))
    if not text:
        return [row.quarantined("the rewritten reply is empty", result.text)]
    if fault := reply_fault(
        post.content, old, text, synth.advice_overlap, synth.reply_chars, domain.words.replies
    ):
        return [row.filtered(*fault, text)]
    dialogue = Dialogue(
        id=content_id("dialogue", "empathetic", post.content, text),
        kind="empathetic",
        messages=(post, Message(role="assistant", content=text)),
        source_id=plain.id,
        source=plain.source,
    )
    return [dialogue, row.ok(dialogue.id)]
