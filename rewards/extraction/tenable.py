"""Several letters of which each is said to be tenable: ``either A or C could be defended``.

Collaborators: ``judgements`` asks it of letters without a cue; such letters are ambiguous. Invariants:
- Of letters joined by and, only words say so that leave the choice open (``could be defended``, 都讲得通).
"""

from __future__ import annotations

import re

from rewards.extraction.groups import LetterGroup

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
