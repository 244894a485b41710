"""Synthesis of questions, rationales and empathetic replies (paper section 3.1)."""

from __future__ import annotations

from pydantic import Field

from psyche_rl.config.base import Section


class SynthConfig(Section):
    """How much to synthesise per passage and how long to polish rationales."""

    single_per_passage: int = Field(4, ge=0)
    multiple_per_passage: int = Field(4, ge=0)
    questions_per_call: int = Field(4, ge=1)
    """Questions asked for in one LLM call; a passage takes several calls where it needs more."""
    rewrite_rounds: int = Field(1, ge=0)
    """T, the rounds of prompt rewriting; each is kept only if the answer still equals the gold."""
    block_rows: int = Field(64, ge=1)
    """Rows per Ray Data block before LLM calls: what a kill can cost at the most."""
