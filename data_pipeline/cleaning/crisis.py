"""Cues of a crisis in a text: self-harm, suicide, violence, psychosis that commands.

Role: says whether a conversation is for a person to read before anything is learned from it. A flag, not a
diagnosis: it is made to miss little and to be wrong at times.
Collaborators: ``crisis_lexicon`` has the documented words, ``crisis_context`` says which hits stand,
``crisis_wording`` how like a text is to what people in danger write;
``post_cleaning`` routes rows. docs/safety.md has the measured recall and precision.
Invariants:
- Pure.
- Reads the text as it was written: cleaning it first may take a cue away.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from dataclasses import dataclass
from typing import Literal

from data_pipeline.cleaning.crisis_context import stands
from data_pipeline.cleaning.crisis_lexicon import KINDS, CueKind, folded, lexicon
from data_pipeline.cleaning.crisis_wording import around, telling, windows

SURE, DOUBTED = -0.3, -2.5
"""Log-odds of a window: above the first it is a cue itself; up to the second it takes back the lexicon's."""


@dataclass(frozen=True)
class Cue:
    """One cue: words as they stand in the folded text; of a ``wording`` those that speak most for danger."""

    kind: CueKind | Literal["wording"]
    words: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.words}"


def crisis_cues(text: str) -> list[Cue]:
    """All cues of a text in its order: the lexicon's, and windows without one whose wording says so."""
    words, text = lexicon(), folded(text)
    read = windows(text)
    found: dict[int, list[Cue]] = defaultdict(list)
    for kind in KINDS:
        for hit in words.cues[kind].finditer(text):
            if not hit[0].strip() or not stands(words, kind, text, hit.start(), hit.end()):
                continue
            if any(window.log_odds > DOUBTED for window in around(read, hit.start())):
                found[hit.start()].append(Cue(kind, hit[0]))
    named = sorted(found)
    for window in read:
        first = bisect_left(named, window.start)
        if window.log_odds > SURE and (first == len(named) or named[first] >= window.end):
            found[window.start].append(Cue("wording", telling(text[window.start : window.end])))
            insort(named, window.start)
    return [cue for at in sorted(found) for cue in found[at]]
