"""A post with its reply as it was read, beside what else was said in the conversation that it comes from."""

from __future__ import annotations

from psyche_rl.records import Dialogue, Record


class RawPost(Record):
    """``others`` are the words of turns that no dialogue is made of: they are looked through for cues of a
    crisis, and go no further."""

    dialogue: Dialogue
    others: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """The file."""
        return self.dialogue.source

    @property
    def row(self) -> int:
        """The row in it."""
        return self.dialogue.row
