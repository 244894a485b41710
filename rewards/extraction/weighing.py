"""The option that is left when all that a reply's prose says of the options is weighed.

``前三种都套不上去，只有社交焦虑说得通。``, ``Put the two together and you get negative reinforcement.``
Collaborators: ``reply_rules`` asks it last, where no other rule reads anything; ``leanings`` has the words.
Invariants:
- The stem is known and the reply is whole; it says nowhere that the question cannot be answered.
- Each clause that names options speaks for them or against them, a list as a whole.
- What stands in a sentence that supposes, quotes or gives an example is not read.
- Of a question that may have several answers only letters are read, since texts may be there in other words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from rewards.extraction.groups import ARTICLE
from rewards.extraction.leanings import (
    AGAINST,
    CONCLUDES,
    DENIED,
    ENDS,
    IS,
    NO_ANSWER,
    NOT_SAID,
    POINTS,
    POINTS_AFTER,
    POINTS_BEFORE,
    SPEAKS_OF_IT,
)
from rewards.extraction.options import OptionTable
from rewards.extraction.prose import JOINTS
from rewards.extraction.question import QuestionWording
from rewards.extraction.reading import Reading
from rewards.extraction.wording import overlap
from rewards.text.phrases import phrase_key

_SENTENCE = re.compile(r"[^。!?;\n.]+(?:\.(?![ \n]|\Z)[^。!?;\n.]*)*[。!?;.]?[\"”)』」*]*")
_CLAUSE_ENDS = re.compile(
    r"[,:—–(]| (?=(?:while|whereas|but|rather than|instead of|unlike|because|since|which|as opposed to)\b)"
    r"|而(?!且|言|产生|成|后)|但"
)
_LETTER = re.compile(r"(?<![A-Za-z0-9'./&素-])[A-H](?![A-Za-z0-9'&/-])")
_TERM = re.compile(r"(?i:(?:vitamins?|types?|clusters?|hepatitis|维生素|型|因素?) ?)\Z")
_WHOLE = '。.!?)”"*」』;'
LONGEST = 600
"""Characters of a sentence that is read."""


class _Named(NamedTuple):
    letter: str
    start: int
    end: int
    by_text: bool


class _Clause(NamedTuple):
    named: tuple[_Named, ...]
    against: bool


class _Sentence(NamedTuple):
    start: int
    end: int
    clauses: tuple[_Clause, ...]
    rest: str
    """Without the options' own words."""

    def letters(self, against: bool) -> set[str]:
        return {one.letter for clause in self.clauses if clause.against == against for one in clause.named}


def weighed_option(text: str, table: OptionTable, question: QuestionWording) -> Reading | None:
    """The option, or the letters in a row, that the folded reply speaks for and nowhere against."""
    if not question.key or not table.closed or table.numerals or text.rstrip()[-1:] not in _WHOLE:
        return None
    texts = _tellable(text, table, question)
    if texts is None or NO_ANSWER.search(text):
        return None
    sentences = list(_sentences(text, texts, table))
    if not sentences:
        return None
    if (
        len(sentences) == 1
        and not SPEAKS_OF_IT.search(text)
        and overlap(sentences[0].rest, question).covers < 0.5
    ):
        return None  # it only explains what it names
    reply = _Weighed(sentences, question.negative)
    if question.several:
        return None if question.of_myths else reply.last_list(table)
    last, first = sentences[-1], sentences[0]
    return reply.at(last) or reply.at(first) or reply.only_one() or reply.pointed_at(text)


class _Weighed:
    """A reply's sentences, and what they speak for (in a question for the wrong option: against)."""

    def __init__(self, sentences: list[_Sentence], negative: bool) -> None:
        self._sentences, self._negative = sentences, negative
        self._chosen = set().union(*(s.letters(negative) for s in sentences))
        self._spared = set().union(*(s.letters(not negative) for s in sentences))

    def at(self, edge: _Sentence) -> Reading | None:
        """The one option of an edge, if nothing is said for another; by its letter alone only after
        reasons."""
        named = self._named(edge)
        letters = {one.letter for one in named}
        if len(letters) != 1 or letters & edge.letters(not self._negative) or NOT_SAID.search(edge.rest):
            return None
        last, alone = edge is self._sentences[-1], self._chosen == letters
        points = POINTS.search(edge.rest) is not None
        if not all(one.by_text for one in named):
            chosen = last and points and alone and len(self._sentences) > 1
        elif alone:
            chosen = points or (last and named[-1].end >= edge.end - len(". "))
        else:
            chosen = last and not self._negative and CONCLUDES.match(edge.rest) is not None
        return Reading(named[0].letter, named[0].start, named[-1].end) if chosen else None

    def last_list(self, table: OptionTable) -> Reading | None:
        """The letters of the last sentence, if nothing is said for other options."""
        edge = self._sentences[-1]
        named = self._named(edge)
        letters = {one.letter for one in named}
        if (
            len(letters) < 2
            or letters == set(table.letters)
            or letters != self._chosen
            or letters & edge.letters(not self._negative)
            or self._negative
            or any(one.by_text for one in named)
            or NOT_SAID.search(edge.rest)
        ):
            return None
        return Reading("".join(sorted(letters)), named[0].start, named[-1].end)

    def only_one(self) -> Reading | None:
        """The one option that anything speaks for, where a sentence points at it by its text."""
        if len(self._chosen) != 1 or len(self._sentences) < 2 or self._chosen & self._spared:
            return None
        for sentence in self._sentences:
            named = self._named(sentence)
            alone = named and not sentence.letters(not self._negative)
            points = POINTS.search(sentence.rest) and not NOT_SAID.search(sentence.rest)
            if alone and named[0].by_text and points:
                return Reading(named[0].letter, named[0].start, named[-1].end)
        return None

    def pointed_at(self, text: str) -> Reading | None:
        """The one option, named by its text, that any sentence says this is."""
        if self._negative or len(self._sentences) < 2:
            return None
        found: list[_Named] = []
        for sentence in self._sentences:
            for clause in sentence.clauses:
                one = clause.named[0]
                before, after = text[sentence.start : one.start], text[one.end : sentence.end]
                points = POINTS_BEFORE.search(before) or POINTS_AFTER.match(after)
                if sentence is self._sentences[0] and not points:
                    points = IS.search(before) and ENDS.match(text, one.end)
                if clause.against or len(clause.named) > 1 or not one.by_text or not points:
                    continue
                if DENIED.match(before):
                    continue
                if NOT_SAID.search(sentence.rest):
                    return None
                found.append(one)
        if len({one.letter for one in found}) != 1:
            return None
        return Reading(found[0].letter, found[0].start, found[0].end)

    def _named(self, sentence: _Sentence) -> list[_Named]:
        return [n for c in sentence.clauses if c.against == self._negative for n in c.named]


def _tellable(text: str, table: OptionTable, question: QuestionWording) -> list[tuple[str, str]] | None:
    """Letters and texts in lower case that stand in the reply, the longest first; None where one of them
    cannot be told from other words."""
    stem, said = question.whole or question.key, text.lower()
    found: list[tuple[str, str]] = []
    for key, letter in table.by_key.items():
        own = table.texts[letter].lower().strip(" .")
        for article in ("the ", "a ", "an "):
            own = own.removeprefix(article)
        if own not in said:
            continue
        if key in stem or len(phrase_key(own)) < (2 if own >= "\u4e00" else 3):
            return None
        found.append((letter, own))
    return sorted(found, key=lambda one: -len(one[1]))


def _sentences(text: str, texts: list[tuple[str, str]], table: OptionTable) -> Iterator[_Sentence]:
    said = text.lower()
    for found in _SENTENCE.finditer(text):
        start, end = found.span()
        if end - start > LONGEST or not any(char.isalnum() for char in found[0]):
            continue
        named = _named(text, said, start, end, texts, table)
        gaps = [(one.end, other.start) for one, other in pairwise(named)]
        whole = [gap for gap in gaps if JOINTS.fullmatch(text, *gap)] + [n[1:3] for n in named]
        cuts = [cut.start() for cut in _CLAUSE_ENDS.finditer(text, start, end)]
        cuts = [cut for cut in cuts if not any(begin <= cut < stop for begin, stop in whole)]
        clauses, rest = [], []
        for begin, stop in pairwise((start, *cuts, end)):
            there = tuple(one for one in named if begin <= one.start < stop)
            own = "".join(text[i:k] for i, k in _between(begin, stop, there))
            rest.append(own)
            if there:
                clauses.append(_Clause(there, AGAINST.search(own) is not None))
        yield _Sentence(start, end, tuple(clauses), "".join(rest))


def _between(start: int, end: int, named: tuple[_Named, ...]) -> Iterator[tuple[int, int]]:
    """What a clause holds beside the options."""
    yield from zip((start, *(one.end for one in named)), (*(one.start for one in named), end), strict=True)


def _named(
    text: str, said: str, start: int, end: int, texts: list[tuple[str, str]], table: OptionTable
) -> list[_Named]:
    found: list[_Named] = []
    for letter, own in texts:
        at = said.find(own, start, end)
        while at >= 0:
            stop = at + len(own)
            if _stands_alone(said, at, stop) and not any(n.start < stop and at < n.end for n in found):
                found.append(_Named(letter, at, stop, True))
            at = said.find(own, stop, end)
    for one in _LETTER.finditer(text, start, end):
        if one[0] not in table.letters or any(n.start <= one.start() < n.end for n in found):
            continue
        if one[0] == "A" and ARTICLE.match(text, one.end()):
            continue
        if not _TERM.search(text, max(0, one.start() - 12), one.start()):
            found.append(_Named(one[0], *one.span(), False))
    return sorted(found, key=lambda n: n.start)


def _stands_alone(said: str, start: int, end: int) -> bool:
    """Whether no English word goes on into the text or out of it."""
    before, after = said[start - 1 : start], said[end : end + 1]
    joined = said[start].isascii() and said[start].isalnum() and before.isascii() and before.isalpha()
    return not joined and not (
        said[end - 1].isascii() and after.isascii() and after.isalpha() and after != "s"
    )
