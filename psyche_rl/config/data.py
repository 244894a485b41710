"""What goes in: texts, posts and exam questions."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from psyche_rl.config.base import Contradiction, Section
from psyche_rl.config.bounds import Characters, Count, Share


class DataConfig(Section):
    """Paths (files or folders, local or fsspec URLs, ``hf://owner/name``). Unset ones come from the mini
    world."""

    passages: str | None = None
    """Text, Markdown, HTML, EPUB, PDF, Word, JSONL, tables, parquet, datasets, or exam JSON whose
    explanations serve as passages."""
    posts: str | None = None
    """Help-seeking posts with plain replies: rows of any file, or dialogue text files."""
    exchanges: int = Field(1, ge=1, le=1000)
    """Exchanges of a post and a reply taken of a conversation of many turns, or answers of a post."""
    questions: str | None = None
    """Held-out exam questions (JSON, JSONL, tables, parquet); never trained on."""
    train_chats: str | None = None
    """Chats of your own to imitate, in place of what synthesis and selection would make: every turn of the
    assistant is an example of SFT."""
    train_questions: str | None = None
    """Questions of your own for GRPO, likewise."""
    follow_links: bool = False
    """Read files of a folder that are symbolic links: they may lead anywhere on the machine. What is named
    itself is read, whatever it is."""
    licence: str | None = None
    """Licence of passages and posts whose rows do not name one."""
    chunk_chars: int = Field(600, ge=20, le=10**7)
    """Longest passage, in characters of the source; longer texts are cut between sentences."""
    chunk_overlap: Characters = 0
    """A passage repeats whole sentences from the end of the one before, up to this many characters."""
    dev_share: Share = Field(0.3, lt=1)
    """Share of the held-out exam used for the accuracy curve during GRPO; the rest is the test set."""
    max_questions: Count | None = None
    """Evaluate on at most this many test questions (a seeded sample)."""

    @property
    def has_own_sets(self) -> bool:
        """Whether the sets to train on are given, so that nothing is synthesised and no selector asked."""
        return self.train_chats is not None or self.train_questions is not None

    def contradictions(self) -> Iterator[Contradiction]:
        """A passage must bring something that the one before it does not; what is given is used."""
        for key in ("passages", "posts"):
            if self.has_own_sets and getattr(self, key) is not None:
                own = "train_chats" if self.train_chats is not None else "train_questions"
                yield Contradiction(
                    (key, own),
                    getattr(self, key),
                    f"nothing is synthesised where data.{own} gives what is trained on",
                    f"leave out data.{key} or data.{own}",
                )
        if self.chunk_overlap > self.chunk_chars // 2:
            yield Contradiction(
                ("chunk_overlap", "chunk_chars"),
                self.chunk_overlap,
                f"chunk_overlap may be at most half of chunk_chars, which is {self.chunk_chars}",
                "lower chunk_overlap or raise chunk_chars",
            )
