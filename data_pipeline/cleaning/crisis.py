"""Cues of a crisis in a text: self-harm, suicide, violence, psychosis that commands.

Role: says whether a conversation is for a person to read before anything is learned from it. A flag, not a
diagnosis: it is made to miss little and to be wrong at times.
Collaborators: ``crisis_lexicon`` has the documented words, ``crisis_context`` says which hits stand;
``post_cleaning`` routes rows. docs/safety.md has the measured recall and precision.
Invariants:
- Pure.
- Reads the text as it was written: cleaning it first may take a cue away.
"""

from __future__ import annotations

from dataclasses import dataclass

from data_pipeline.cleaning.crisis_context import stands
from data_pipeline.cleaning.crisis_lexicon import KINDS, CueKind, folded, lexicon


@dataclass(frozen=True)
class Cue:
    """One cue as it stands in the folded text."""

    kind: CueKind
    words: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.words}"


def crisis_cues(text: str) -> list[Cue]:
    """All cues of a text in its order."""
    words, text = lexicon(), folded(text)
    found = []
    for kind in KINDS:
        for hit in words.cues[kind].finditer(text):
            if hit[0].strip() and stands(words, kind, text, hit.start(), hit.end()):
                found.append((hit.start(), Cue(kind, hit[0])))
    return [cue for _, cue in sorted(found, key=lambda placed: placed[0])]
