"""Empathetic dialogues (paper section 3.1.3): a real post's plain reply, rewritten with empathy.

Collaborators: the LLM through ``actors.llm_client``; the synth stage maps :func:`empathy_block`.
"""

from __future__ import annotations

import pyarrow as pa

from actors.llm_client import LLM
from data_pipeline.clean import clean_text
from data_pipeline.outcomes import to_outcomes
from data_pipeline.templates import render, request
from psyche_rl.llm import CallFailure, ChatResult
from psyche_rl.records import Dialogue, Message, Quarantined, content_id

STAGE = "synth.empathy"


def empathy_block(block: pa.Table, seed: int, llm: LLM) -> pa.Table:
    """Ray Data: a block of plain dialogues to empathetic ones and quarantined rows."""
    plain = Dialogue.from_table(block)
    requests = [
        request(
            llm.teacher,
            render("empathy", post=d.messages[0].content, reply=d.messages[1].content),
            sample=seed,
        )
        for d in plain
    ]
    results = llm.complete(requests, "empathy")
    return to_outcomes(
        (rewritten(d, r) for d, r in zip(plain, results, strict=True)), (Dialogue, Quarantined)
    )


def rewritten(plain: Dialogue, result: ChatResult) -> Dialogue | Quarantined:
    """The empathetic dialogue of a reply, or why it cannot be used. Pure."""
    if isinstance(result, CallFailure):
        return _set_aside(plain, f"call failed: {result.kind}: {result.message}", "")
    post, old = plain.messages[0], plain.messages[1].content
    text = clean_text(result.text)
    if not text or text == old:
        return _set_aside(plain, "the rewritten reply is empty or unchanged", result.text)
    return Dialogue(
        id=content_id("dialogue", "empathetic", post.content, text),
        kind="empathetic",
        messages=(post, Message(role="assistant", content=text)),
        source_id=plain.id,
        source=plain.source,
    )


def _set_aside(plain: Dialogue, reason: str, content: str) -> Quarantined:
    return Quarantined(
        stage=STAGE, source=plain.source, row=0, reason=reason[:300], content=content[:2000] or plain.id
    )
