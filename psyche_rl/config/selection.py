"""Cross-selection: several LLMs answer every question; the hard ones go to GRPO (paper section 3.2)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from psyche_rl.config.base import Section

SelectionRule = Literal["all_wrong", "majority"]


class SelectConfig(Section):
    """Selectors and how often each answers. A question that every selector gets wrong is hard."""

    selectors: tuple[str, ...] = ()
    """Hugging Face folders or names; empty: the mini world's three."""
    samples: int = Field(2, ge=1)
    temperature: float = 1.0
    rule: SelectionRule = "all_wrong"
    """A selector is wrong on a question if no sample of it is right, or unless most of its samples are."""
    max_tokens: int = Field(64, ge=1)
    engines_per_selector: int = Field(1, ge=1)
    block_rows: int = Field(512, ge=1)
    skip: bool = False
    """Ablation: split at random in the proportions that selection would have given."""
    random_grpo_share: float = 0.3
    """With ``skip``: the share of questions sent to the GRPO set."""
    audit_removes: bool = False
    """Keep questions on which all samples agree on one answer other than the key out of the GRPO set."""
