"""Some of the options below a heading in the question's words, before a remark: ``MI uses these: …``.

Collaborators: ``reply_rules`` asks it where letters and texts alone say nothing. Invariants:
- The heading says most of what the stem asks, and nothing that negates or hedges it.
- Every line of the list is an option, by letter or text; two or more, and not all of them.
- The question may have several answers by its wording.
"""

from __future__ import annotations

import re

from rewards.extraction.bare import lettered_line
from rewards.extraction.options import OptionTable
from rewards.extraction.question import QuestionWording
from rewards.extraction.reading import Reading
from rewards.extraction.wording import overlap, spoilt

_SENTENCE = re.compile(r"(?:[^。!?\n.]|\.(?! ))*\Z")
_ITEM = re.compile(r"(?:\A|\n) ?(?:[-•·] ?|\d{1,2}[.、] ?)?(?P<said>[^\n]+)")
_MARKED = re.compile(r"\n ?(?:[-•·]|\d{1,2}[.、]|[A-Z](?![a-z]))")
_STOP = " .。;；,，、"
_REJECTS = re.compile(
    r"(?i:\b(?:avoid|reject|exclud|oppos|discourag|forbid|lack|myth|misconception|error|wrong|mistaken|confus"
    r"|unlike|instead|other|some|many)\w*)|避免|反对|误|混淆|其他|有人"
)
_DENIES = re.compile(r"\b(?:is|are|does|do|was|were)(?: not|n't)\b|不(?:是|属于|包括|在)|并非")
"""In the remark: the others are none."""
_ADDS = re.compile(
    r"(?i:\b(?:also|too|as well|likewise|in addition|moreover|besides)\b)"
    r"|也(?!不|非|没)|还[要有应]|同样|另外|此外"
)
"""In the remark: another option may be meant too."""
LONGEST = 300
"""Characters of a heading."""
MOST = 4
"""Headings that are looked at."""


def list_before_remark(text: str, table: OptionTable, question: QuestionWording) -> Reading | None:
    """The options listed below a heading of the folded reply that says what the question asks."""
    if not (question.several and question.key and table.closed) or question.negative or question.opposed:
        return None
    if reading := _list(text, 0, table, denied=True):
        return reading
    at = text.find(":\n")
    for _ in range(MOST):
        if at < 0:
            return None
        heading = _SENTENCE.search(text, max(0, at - LONGEST), at)
        if heading and _asks(heading[0], question) and (reading := _list(text, at + 1, table)):
            return reading
        at = text.find(":\n", at + 1)
    return None


def _asks(heading: str, question: QuestionWording) -> bool:
    """Whether a heading says most of what the question asks."""
    shared = overlap(heading, question)
    says = shared.covers > 0.5 and shared.told > 1
    return says and not spoilt(heading, question) and not _REJECTS.search(heading)


def _list(text: str, at: int, table: OptionTable, denied: bool = False) -> Reading | None:
    """The options of the lines from there on, if a remark that adds none to them follows.

    ``denied``: if the remark denies all the others besides.
    """
    letters, begin, end = "", at, at
    while item := _ITEM.match(text, end):
        said = item["said"].strip(_STOP)
        lettered = lettered_line(text, item.start() + 1, item.end(), table)
        letter = table.meaning(said) or (lettered.letters if lettered and not lettered.trouble else "")
        if len(letter) != 1 or letter in letters:
            break
        begin, end = begin if letters else item.start("said"), item.end()
        letters += letter
    remark = text[end:].strip()
    if len(letters) < 2 or len(letters) == len(table.letters) or not remark or _MARKED.match(text, end):
        return None
    said = remark.split("\n", 1)[0]
    others = [own.lower() for x, own in table.texts.items() if x not in letters]
    if denied and not (_DENIES.search(said) and all(own in said.lower() for own in others)):
        return None
    return None if _ADDS.search(said) else Reading(letters, begin, end)
