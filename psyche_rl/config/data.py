"""What goes in: texts, posts and exam questions."""

from __future__ import annotations

from psyche_rl.config.base import Section


class DataConfig(Section):
    """Paths (files or folders, local or fsspec URLs). Unset ones come from the mini world."""

    passages: str | None = None
    """Text, JSONL, parquet, or exam JSON whose explanations serve as passages."""
    posts: str | None = None
    """Help-seeking posts with plain replies: JSONL or YAML rows, or dialogue text files."""
    questions: str | None = None
    """Held-out exam questions (JSON, JSONL, parquet); never trained on."""
    dev_share: float = 0.3
    """Share of the held-out exam used for the accuracy curve during GRPO; the rest is the test set."""
    max_questions: int | None = None
    """Evaluate on at most this many test questions (a seeded sample)."""
