"""What goes in: texts, posts and exam questions."""

from __future__ import annotations

from pydantic import Field, model_validator

from psyche_rl.config.base import Section


class DataConfig(Section):
    """Paths (files or folders, local or fsspec URLs, ``hf://owner/name``). Unset ones come from the mini
    world."""

    passages: str | None = None
    """Text, Markdown, HTML, EPUB, PDF, JSONL, parquet, datasets, or exam JSON whose explanations serve as
    passages."""
    posts: str | None = None
    """Help-seeking posts with plain replies: JSONL or YAML rows, or dialogue text files."""
    questions: str | None = None
    """Held-out exam questions (JSON, JSONL, parquet); never trained on."""
    licence: str | None = None
    """Licence of passages and posts whose rows do not name one."""
    chunk_chars: int = Field(600, ge=20)
    """Longest passage, in characters of the source; longer texts are cut between sentences."""
    chunk_overlap: int = Field(0, ge=0)
    """A passage repeats whole sentences from the end of the one before, up to this many characters."""
    dev_share: float = 0.3
    """Share of the held-out exam used for the accuracy curve during GRPO; the rest is the test set."""
    max_questions: int | None = None
    """Evaluate on at most this many test questions (a seeded sample)."""

    @model_validator(mode="after")
    def _overlap_leaves_room(self) -> DataConfig:
        if self.chunk_overlap > self.chunk_chars // 2:
            raise ValueError("chunk_overlap may be at most half of chunk_chars")
        return self
