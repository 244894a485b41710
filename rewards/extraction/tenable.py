"""Several letters of which each is said to be tenable: ``either A or C could be defended``.

Collaborators: ``judgements`` asks it of letters without a cue; such letters are ambiguous. Invariants:
- Of letters joined by and, only words say so that leave the choice open (``could be defended``, 都讲得通).
"""

from __future__ import annotations

import re

from rewards.extraction.cues import ANY_LETTER
from rewards.extraction.groups import LetterGroup
from rewards.extraction.options import OptionTable

REACH = 120
"""Characters before a letter that are looked at."""
_BE_DEFENDED = r"(?:could|can|may|might)(?: [a-z]+){0,2} be (?:defended|argued|justified|defensible|arguable)"
_EITHER_STANDS = re.compile(
    rf" (?:{_BE_DEFENDED}|(?:could|can|may|might|would)(?: [a-z]+){{0,2}} (?:work|do|fit|apply|be (?:accepted"
    r"|acceptable|right|correct|chosen|selected|true|possible|plausible|supported|appropriate|reasonable"
    r"|the (?:[a-z]+ )?answer))|(?:is|are|seems?|looks?|remains?)(?: [a-z]+)? (?:defensible|plausible"
    r"|possible|arguable|acceptable|reasonable|fine|tenable))\b"
    r"| ?(?:选?项)?(?:都|均|皆|也)?(?:[讲说]得通|说得过去"
    r"|(?:可以?|能够?)(?:被)?(?:接受|成立|选|算|解释|自圆其说)"
    r"|有(?:一定)?(?:的)?道理|成立|站得住脚|可行)"
)
"""After alternatives: each of them may be the answer."""
_BOTH_STAND = re.compile(
    rf" (?:{_BE_DEFENDED}|are (?:both |each |equally |all )?(?:defensible|arguable|tenable))\b"
    r"| ?(?:选?项)?(?:都|均|皆)(?:[讲说]得通|说得过去|有(?:一定)?(?:的)?道理|站得住脚|能自圆其说)"
)
"""After several letters: the same."""
_CASE_FOR = re.compile(r"\b(?:case|argument)s? (?:can|could|may|might) be made for (?:both |either )?\Z")


def tenable(text: str, group: LetterGroup) -> bool:
    """Whether each letter of the group is said to be one that could be chosen."""
    if len(group.items) < 2:
        return False
    said = _EITHER_STANDS if group.hedged else _BOTH_STAND
    return said.match(text, group.end) is not None or (
        _CASE_FOR.search(text, max(0, group.start - 60), group.start) is not None
    )


_ARGUE_FOR = re.compile(
    r"(?i:\b(?:could|can|may|might)(?: also| equally| well| perhaps| still| just as well){0,2}"
    r" (?:(?:argue|vote|speak|opt)(?: for| in favou?r of)|(?:make|see) (?:a|the) case for|defend|justify"
    r"|accept|choose|pick|be made for|say(?: it is| it's)?)(?: option| choice)? )\Z"
    r"|(?:也(?:可以|可|能|有理由)|同样可以?)(?:主张|认为|说|理解为|解释为|选择?|算)(?:是|成)?"
    r" ?(?:选项)?\Z"
)
"""Before a letter: it may be the answer too."""
_POSSIBLE_TOO = re.compile(
    r" (?:is|are|seems?|looks?|remains?)(?: also| equally| just as| at least)?"
    r" (?:possible|plausible|defensible|arguable|tenable|acceptable|reasonable)(?: too| as well| here)?\b"
    r"| (?:could|can|may|might|would)(?: also| equally| well){1,2} (?:work|fit|apply|be (?:argued|defended"
    r"|justified|possible|plausible|right|correct|chosen|considered|the answer))\b"
    r"| (?:could|can|may|might) be (?:argued|defended|justified)\b"
    r"| (?:also (?:works|fits|applies|makes sense)|(?:has|have) a (?:case|claim))\b"
    r"| ?(?:选?项)?(?:也|同样)(?:[讲说]得通|说得过去|有(?:一定)?(?:的)?道理|可能|有可能"
    r"|(?:可以?|能够?)(?:接受|成立|解释|算|说))"
)
"""After a letter: the same."""
_MAY_FOLLOW = (" ", "也", "同", "选", "项")
_YET = re.compile(r"[^。.;\n]{0,40}(?:\bbut\b|\bhowever\b|\bless\b|\bnot\b|但|不过|然而|不如|没有)")
"""After that: it is not chosen in spite of it."""


def tenable_too(text: str, group: LetterGroup, table: OptionTable) -> bool:
    """Whether a letter is said to be another that could be chosen: ``one could also argue for A``."""
    return len(group.letters) == 1 and _tenable_at(text, group.start, group.end, group.letters, table)


def _tenable_at(text: str, start: int, end: int, letter: str, table: OptionTable) -> bool:
    after = text[end : end + 1]
    if after not in _MAY_FOLLOW and (not start or text[start - 1] in "\n。;,"):
        return False
    before = text[max(0, start - REACH) : start]
    own = table.texts.get(letter, "\n")
    if before.rstrip().lower().endswith(own.lower()):
        before = before.rstrip()[: -len(own)]
    if _ARGUE_FOR.search(before) is None:
        too = _POSSIBLE_TOO.match(text, end)
        if too is None:
            return False
        end = too.end()
    return _YET.match(text, end) is None


def another_tenable(text: str, letters: str, table: OptionTable) -> bool:
    """Whether the folded reply says of a letter beside these that it could be chosen too."""
    return any(
        one[0] in table.letters
        and one[0] not in letters
        and _tenable_at(text, one.start(), one.end(), one[0], table)
        for one in ANY_LETTER.finditer(text)
    )
