"""Cues of a crisis in a text: self-harm, suicide, violence, psychosis that commands.

Role: says whether a conversation is for a person to read before anything is learned from it. A flag, not a
diagnosis: it is made to miss little and to be wrong at times.
Collaborators: ``crisis_lexicon`` has the documented words, ``crisis_model`` what was learned of their
sequences; ``post_cleaning`` routes rows. docs/safety.md has the measured recall and precision.
Invariants:
- Pure.
- Reads the text as it was written: cleaning it first may take a cue away.
- A long text is read in runs of sentences, so that one sentence among many counts as much as alone.
- A cue names words of the lexicon alone: what is personal in a sentence stays out of queues and counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from data_pipeline.cleaning.crisis_features import Sentence, features_of, sentences_of
from data_pipeline.cleaning.crisis_kinds import CueKind
from data_pipeline.cleaning.crisis_lexicon import concepts_of, folded
from data_pipeline.cleaning.crisis_model import model

_RUN = 3  # sentences read together
_COMMON = frozenset(["self", "he", "it", "you", "everyone", "now", "chores", "work", "mild"])


@dataclass(frozen=True)
class Cue:
    """Sentences that speak of a crisis: of what, and which words of theirs the lexicon has."""

    kind: CueKind
    words: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.words}"


def crisis_cues(text: str) -> list[Cue]:
    """All cues of a text in its order."""
    text, learned = folded(text), model()
    found: list[Cue] = []
    end = 0
    for run in _runs(sentences_of(text)):
        if run[0].start < end:
            continue
        probability, kind = learned.score(features_of(run))
        if probability >= learned.threshold:
            end = run[-1].end
            found.append(Cue(kind, _telling(text[run[0].start : end])))
    return found


def _telling(text: str) -> str:
    """The words that name a concept, but for those that are in any text."""
    words = [text[one.start : one.end] for one in concepts_of(text) if one.name not in _COMMON]
    return " ".join(dict.fromkeys(words)) or "no word of the lexicon"


def _runs(sentences: Sequence[Sentence]) -> Iterator[Sequence[Sentence]]:
    """Every run of a few sentences; the whole text where it has no more."""
    for at in range(max(1, len(sentences) - _RUN + 1) if sentences else 0):
        yield sentences[at : at + _RUN]
