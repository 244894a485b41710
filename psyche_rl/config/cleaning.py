"""Cleaning of source text and of posts (paper section 3.1, and what publishing asks for besides)."""

from __future__ import annotations

from typing import Annotated, Literal

from psyche_rl.config.base import Section, SpeedOnly
from psyche_rl.config.bounds import Count

PersonalData = Literal[
    "phone", "email", "id_card", "bank_card", "ip", "qq", "wechat", "name", "address"
]  # fmt: skip


class CleanConfig(Section):
    """Which rows are kept and what is taken out of them."""

    script: Literal["off", "to_simplified", "to_traditional"] = "off"
    """Fold Chinese to one script (opencc's character and phrase tables)."""
    languages: tuple[str, ...] = ("zh",)
    """ISO 639-1 codes that are kept; empty keeps every language."""
    min_chars: Count = 10
    """A passage with fewer characters after cleaning is filtered: no question can be based on it."""
    redact: tuple[PersonalData, ...] = (
        "phone", "email", "id_card", "bank_card", "ip", "qq", "wechat", "name", "address",
    )  # fmt: skip
    """Kinds of personal data that become placeholders."""
    crisis_review: bool = True
    """Dialogues with cues of self-harm or violence go to the review queue, not into training."""
    crisis_reader: bool = False
    """The teacher reads the posts without such cues too; what it flags goes to the review queue."""
    block_rows: Annotated[Count, SpeedOnly("rows are cleaned one by one")] = 1000
    """Rows per Ray Data block; speed and memory only."""
