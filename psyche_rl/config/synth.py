"""Synthesis of questions, rationales and empathetic replies (paper section 3.1)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from psyche_rl.config.base import Section, SpeedOnly


class SynthConfig(Section):
    """How much to synthesise per passage, what is turned down, and how long to polish rationales."""

    single_per_passage: int = Field(4, ge=0)
    multiple_per_passage: int = Field(4, ge=0)
    case_per_passage: int = Field(0, ge=0)
    short_per_passage: int = Field(0, ge=0)
    questions_per_call: int = Field(4, ge=1)
    """Questions asked for in one LLM call; a passage takes several calls where it needs more."""
    balance_gold: bool = True
    """Shuffle options so that each letter is the key of a single-choice question about equally often."""
    quality_filter: bool = False
    """Have the teacher look for issues in every question, and drop those in which it finds one."""
    rewrite_rounds: int = Field(1, ge=0)
    """T, the rounds of prompt rewriting; each is kept only if the answer still equals the gold."""
    rationale_gate: bool = False
    """Accept a rewritten prompt only if the teacher also finds its rationale better than the old one."""
    rewrite_patience: int = Field(0, ge=0)
    """Stop polishing a rationale after so many rounds in a row that brought nothing; 0: never."""
    advice_overlap: float = Field(0.1, ge=0, le=1)
    """Share of the plain reply's advice that an empathetic reply must keep, in character bigrams."""
    reply_chars: tuple[int, int] = (10, 1500)
    """Fewest and most characters of an empathetic reply."""
    multi_turn: bool = False
    """Also make a conversation of several turns of each post, checked against it and mended."""
    block_rows: Annotated[int, SpeedOnly("rows do not depend on their block")] = Field(64, ge=1)
    """Rows per Ray Data block before LLM calls: what a kill can cost at the most."""
