"""A clean conversation that a person has to see before anything is learned from it."""

from __future__ import annotations

from psyche_rl.records import Dialogue, Record


class CrisisPost(Record):
    """A clean conversation with cues of self-harm or violence: what for a reviewer, and whose they are."""

    dialogue: Dialogue
    cues: str
