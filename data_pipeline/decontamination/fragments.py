"""A training record as fragments: questions with options, and running text.

Running text may hold questions too (a chat that asks one, a prompt and its completion): lettered options
that follow each other are taken as such, so that the same rules hold for a question however it is stored.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from data_pipeline.text.comparable import comparable
from data_pipeline.text.question_rules import split_mark
from psyche_rl.records import LETTERS

_MARK = re.compile(
    r"(?:^|(?<=\s))[(\[【]?([A-Z])[.、:)\]】]\s*|(?<=[^A-Za-z0-9\s])[(\[]?([A-Z])[.:)\]]\s*", re.MULTILINE
)


@dataclass(frozen=True)
class Fragment:
    """Comparable text. ``options`` is None in running text; of a question ``text`` is the stem."""

    text: str
    options: frozenset[str] | None = None


def of_question(stem: str, options: Sequence[str], case: str | None = None) -> list[Fragment]:
    """The question itself, then its case as running text. A question without options is its case and
    stem together: its stem alone ("给出诊断") says too little."""
    body = split_mark(stem)[1]
    found = [Fragment(comparable(body), frozenset(filter(None, map(comparable, options))))]
    if case:
        found.append(Fragment(comparable(case)))
        if not options:
            found[0] = Fragment(comparable(case + body), frozenset())
    return [fragment for fragment in found if fragment.text]


def of_text(text: str) -> list[Fragment]:
    """Running text, and the questions with lettered options in it."""
    folded = unicodedata.normalize("NFKC", text)
    found: list[Fragment] = []
    at = 0
    for begin, end, options in _option_runs(folded):
        before = folded[at:begin].rstrip()
        found.append(Fragment(comparable(before), frozenset(filter(None, map(comparable, options)))))
        found.append(Fragment(comparable(before.rpartition("\n")[0])))
        at = end
    found.append(Fragment(comparable(folded[at:])))
    return [fragment for fragment in found if fragment.text]


def option_sets(text: str) -> list[frozenset[str]]:
    """The options of each question in a text, comparable."""
    folded = unicodedata.normalize("NFKC", text)
    return [frozenset(filter(None, map(comparable, options))) for _, _, options in _option_runs(folded)]


def _option_runs(text: str) -> Iterator[tuple[int, int, list[str]]]:
    """(begin, end, option texts) of each run A, B, … of two or more; the last one ends with its line."""
    run: list[re.Match[str]] = []
    marks = list(_MARK.finditer(text))
    for place, mark in enumerate(marks):
        letter = _letter(mark)
        run = [*run, mark] if letter == LETTERS[len(run)] else [mark] if letter == "A" else []
        follows = _letter(marks[place + 1]) if place + 1 < len(marks) else ""
        if len(run) > 1 and follows != LETTERS[len(run) % 26]:
            end = text.find("\n", mark.end())
            end = len(text) if end < 0 else end
            ends = [m.start() for m in run[1:]] + [end]
            yield run[0].start(), end, [text[m.end() : e] for m, e in zip(run, ends, strict=True)]
            run = []


def _letter(mark: re.Match[str]) -> str:
    return str(mark[1] or mark[2])
