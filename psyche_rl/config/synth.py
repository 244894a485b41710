"""Synthesis of questions, rationales and empathetic replies (paper section 3.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from psyche_rl.config.base import Contradiction, Section, SpeedOnly
from psyche_rl.config.bounds import Characters, Count, Few, Share


class SynthConfig(Section):
    """How much to synthesise per passage, what is turned down, and how long to polish rationales."""

    single_per_passage: Few = 4
    multiple_per_passage: Few = 4
    case_per_passage: Few = 0
    short_per_passage: Few = 0
    questions_per_call: int = Field(4, ge=1, le=1000)
    """Questions asked for in one LLM call; a passage takes several calls where it needs more."""
    balance_gold: bool = True
    """Shuffle options so that each letter is the key of a single-choice question about equally often."""
    quality_filter: bool = False
    """Have the teacher look for issues in every question, and drop those in which it finds one."""
    rewrite_rounds: Few = 1
    """T, the rounds of prompt rewriting; each is kept only if the answer still equals the gold."""
    rationale_gate: bool = False
    """Accept a rewritten prompt only if the teacher also finds its rationale better than the old one."""
    rewrite_patience: Few = 0
    """Stop polishing a rationale after so many rounds in a row that brought nothing; 0: never."""
    advice_overlap: Share = 0.1
    """Share of the plain reply's advice that an empathetic reply must keep, in character bigrams."""
    reply_chars: tuple[Characters, Characters] = (10, 1500)
    """Fewest and most characters of an empathetic reply."""
    multi_turn: bool = False
    """Also make a conversation of several turns of each post, checked against it and corrected."""
    block_rows: Annotated[Count, SpeedOnly("rows do not depend on their block")] = 64
    """Rows per Ray Data block before LLM calls: what a kill can cost at the most."""

    def contradictions(self) -> Iterator[Contradiction]:
        """A reply of some length must be acceptable."""
        fewest, most = self.reply_chars
        if fewest > most or most == 0:
            yield Contradiction(
                ("reply_chars",),
                self.reply_chars,
                f"no reply has at least {fewest} and at most {most} characters",
                "give the fewest first, then the most",
            )
