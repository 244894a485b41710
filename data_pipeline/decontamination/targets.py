"""Evaluation items made ready for comparison, and how much of one a fragment holds.

Pure functions over comparable text.
Invariants:
- The n-grams of stem and options are kept apart, so that the order of options plays no part.
- An option shorter than an n-gram counts as one unit by itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from data_pipeline.decontamination.evaluation_set import EvaluationItem
from data_pipeline.decontamination.fragments import Fragment, of_question

WINDOW = 40  # characters around an item's own length within which its options must stand in running text
LONG_STEM = 3  # times stem_chars: a stem that tells its item in any surroundings


@dataclass(frozen=True)
class Target:
    """One thing to look for: a question with its options, or the case of several questions."""

    item: EvaluationItem
    is_case: bool
    text: str
    options: frozenset[str]
    identifying: bool
    """Whether the stem alone tells which item it is. It must be longer where several items share it or where
    it speaks of a case ("the client's main symptom is")."""
    units: frozenset[str]
    option_units: tuple[frozenset[str], ...]
    shingles: frozenset[str]

    @cached_property
    def short_grams(self) -> frozenset[str]:
        """By which items are proposed that are compared by edits."""
        return pieces(self.text, 3).union(*(pieces(option, 3) for option in self.options))

    @property
    def length(self) -> int:
        """Characters of stem and options."""
        return len(self.text) + sum(map(len, self.options))


def targets_of(items: Iterable[EvaluationItem], ngram: int, shingle: int, stem_chars: int) -> list[Target]:
    """All targets, in the order of the items; a case that several items share is one."""
    read = [(item, of_question(item.stem, item.options, item.case)) for item in items]
    stems: dict[str, set[frozenset[str] | None]] = {}
    for _, fragments in read:
        if fragments:
            stems.setdefault(fragments[0].text, set()).add(fragments[0].options)
    targets: list[Target] = []
    cases: set[str] = set()
    for item, fragments in read:
        for fragment in fragments:
            is_case = fragment.options is None
            if is_case and (fragment.text in cases or len(fragment.text) < stem_chars):
                continue
            if is_case:
                cases.add(fragment.text)
            alone = len(stems.get(fragment.text, ())) < 2 and (is_case or not (item.case and item.options))
            enough = stem_chars if alone else LONG_STEM * stem_chars
            targets.append(
                Target(
                    item=item,
                    is_case=is_case,
                    text=fragment.text,
                    options=fragment.options or frozenset(),
                    identifying=len(fragment.text) >= enough,
                    units=pieces(fragment.text, ngram),
                    option_units=tuple(pieces(option, ngram) for option in sorted(fragment.options or ())),
                    shingles=shingles_of(fragment, shingle),
                )
            )
    return targets


def pieces(text: str, n: int) -> frozenset[str]:
    """The character n-grams of a text; a shorter text is one piece."""
    if len(text) <= n:
        return frozenset((text,)) if text else frozenset()
    return frozenset(text[i : i + n] for i in range(len(text) - n + 1))


def shingles_of(fragment: Fragment, k: int) -> frozenset[str]:
    """What MinHash compares: the shingles of the text and of each option, taken apart."""
    return pieces(fragment.text, k).union(*(pieces(option, k) for option in fragment.options or ()))


def shares_held(target: Target, fragment: Fragment, ngram: int) -> tuple[float, float]:
    """(share of the stem's n-grams, mean share of each option's n-grams) that a fragment holds.

    The two are not mixed: a stem that many items share ("the symptoms in this case include") would make up
    for options that are others.
    """
    stem = sum(unit in fragment.text for unit in target.units) / len(target.units)
    if not target.option_units:
        return stem, 1.0
    if fragment.options is None:
        return stem, _options_near(target, fragment.text)
    held = frozenset[str]().union(*(pieces(option, ngram) for option in fragment.options))
    return stem, _mean(len(units & held) / len(units) for units in target.option_units)


def _options_near(target: Target, text: str) -> float:
    """The most of the options that stands near one place of the stem: words such as "记忆" stand anywhere in
    a long text."""
    reach = 2 * target.length + WINDOW
    places = sorted({at for unit in target.units for at in _places(unit, text)})
    most, last = 0.0, -reach
    for at in places:
        if at - last < len(target.text):
            continue  # the same occurrence of the stem
        last = at
        window = text[max(0, at - reach) : at + len(target.text) + reach]
        found = (sum(unit in window for unit in units) / len(units) for units in target.option_units)
        most = max(most, _mean(found))
    return most


def _mean(shares: Iterable[float]) -> float:
    values = list(shares)
    return sum(values) / len(values)


def _places(unit: str, text: str) -> Iterable[int]:
    at = text.find(unit)
    while at >= 0:
        yield at
        at = text.find(unit, at + 1)
