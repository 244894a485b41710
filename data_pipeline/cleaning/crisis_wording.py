"""How like a text is to what people in danger write: a linear model over short runs of its words.

Role: the second opinion beside the lexicon. It finds what is only meant (farewells that name no death) and
doubts hits whose sentence means no harm.
Collaborators: ``crisis`` asks it; ``scripts/fit_crisis_wordings.py`` fits its table, ``crisis_wordings.tsv``,
on the labelled sentences of ``tests/data_pipeline/cleaning/labelled`` that may be tuned on.
Invariants:
- Pure; the table is read from the package, nothing is fetched.
- A long text is read in windows of about the length of the sentences it was fitted on; time is linear.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

TABLE = Path(__file__).with_name("crisis_wordings.tsv")
LONGEST_RUN = 3
LONGEST_WINDOW = 80
"""Tokens: Chinese characters, other words, marks."""
_TOKEN = re.compile(r"[a-z0-9]+|[一-鿿]|[,.!?;…，。！？；、]")
_SENTENCE = re.compile(r"[^。！？!?\n]*(?:[。！？!?\n]+|\Z)")


@dataclass(frozen=True)
class Wordings:
    """``runs``: run of tokens -> (how rare it is, its weight)."""

    bias: float
    runs: dict[str, tuple[float, float]]


@dataclass(frozen=True)
class ScoredSpan:
    """text[start:end] of a folded text, and its log-odds of being about somebody in danger."""

    start: int
    end: int
    log_odds: float


@lru_cache
def wordings() -> Wordings:
    """The fitted table."""
    bias, *lines = TABLE.read_text("utf-8").splitlines()
    runs = {}
    for line in lines:
        run, rarity, weight = line.split("\t")
        runs[run] = float(rarity), float(weight)
    return Wordings(float(bias.removeprefix("bias\t")), runs)


def windows(text: str) -> list[ScoredSpan]:
    """Every stretch of sentences that fits into a window, one from each sentence on.

    Args:
        text: as ``crisis_lexicon.folded`` spells it.
    """
    pieces = list(_pieces(text))
    lengths = [len(_TOKEN.findall(text, *piece)) for piece in pieces]
    found: list[ScoredSpan] = []
    for first, (start, _) in enumerate(pieces):
        last, room = first, LONGEST_WINDOW - lengths[first]
        while last + 1 < len(pieces) and lengths[last + 1] <= room:
            last += 1
            room -= lengths[last]
        end = pieces[last][1]
        if not found or end > found[-1].end:  # else it is the tail of the one before
            found.append(ScoredSpan(start, end, log_odds(text[start:end])))
    return found


def around(read: Sequence[ScoredSpan], at: int) -> Iterator[ScoredSpan]:
    """The windows that hold a place."""
    for span in reversed(read[: bisect_right(read, at, key=lambda span: span.start)]):
        if span.end <= at:
            return
        yield span


def log_odds(text: str) -> float:
    """Of one window, spelt as ``crisis_lexicon.folded`` does."""
    table = wordings()
    known = [table.runs[run] for run in runs_of(text) if run in table.runs]
    length = math.sqrt(math.fsum(rarity * rarity for rarity, _ in known))  # exact: a set has no order
    return table.bias + (math.fsum(rarity * weight for rarity, weight in known) / length if known else 0.0)


def telling(text: str) -> str:
    """The run of two or three words that speaks most for danger; so few name nobody."""
    runs = wordings().runs
    weighed = {
        run: runs[run][0] * runs[run][1] for run in runs_of(text) if run in runs and " " in run.strip("^$ ")
    }
    heaviest = max(sorted(weighed), key=weighed.__getitem__, default="")
    return re.sub(r"(?<=[^a-z0-9]) | (?=[^a-z0-9])", "", heaviest.strip("^$ "))


def runs_of(text: str) -> set[str]:
    """All runs of up to three tokens, its ends included."""
    tokens = ["^", *_TOKEN.findall(text), "$"]
    return {
        " ".join(tokens[at : at + length])
        for length in range(1, LONGEST_RUN + 1)
        for at in range(len(tokens) - length + 1)
    }


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Sentences; a very long one in parts."""
    for sentence in _SENTENCE.finditer(text):
        if not sentence[0].strip():
            continue
        tokens = list(_TOKEN.finditer(text, *sentence.span()))
        cuts = [token.start() for token in tokens[LONGEST_WINDOW::LONGEST_WINDOW]]
        yield from zip([sentence.start(), *cuts], [*cuts, sentence.end()], strict=True)
