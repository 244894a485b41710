"""The result types of extraction: what callers see, and what the rules hand to each other."""

from __future__ import annotations

from typing import Literal, NamedTuple

Rule = Literal[
    "statement",
    "judgement",
    "letters",
    "option_text",
    "ambiguous",
    "out_of_range",
    "negated",
    "think_unclosed",
    "none",
]
"""The rule that fired. The first four give letters, the others say why there are none."""


class Extraction(NamedTuple):
    """``letters`` are sorted and without repeats, or None where the reply commits to nothing.

    ``span`` is the half-open range of the reply that was read as the answer, or that spoiled it.
    """

    letters: str | None
    span: tuple[int, int] | None
    rule: Rule


class Reading(NamedTuple):
    """What one place of the text says: letters, or a trouble in their stead."""

    letters: str
    start: int
    end: int
    trouble: Literal["ambiguous", "out_of_range"] | None = None
