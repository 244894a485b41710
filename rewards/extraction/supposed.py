"""Letters that are right in one case only, in somebody else's view, or only beside others: ``比A更合适``.

Collaborators: ``judgements``, ``hence`` and ``statements`` ask it before they take letters for the answer.
Invariants:
- Only the words before the letters in their sentence are looked at.
- A condition that forces a choice (``如果只能选一个``) is none.
"""

from __future__ import annotations

import re

from rewards.extraction import cues, marks

_COMPARED = re.compile("(?:比|较之)(?:选项)? ?\\Z")
"""Before letters: others are more so."""
_AT_FIRST = re.compile(
    r"(?:乍[一看]|看似|初看|表面上?看?|(?:看起来|看上去|似乎|好像)(?!最|更|与题)"
    r"|(?:有人|有的?同学|有些人|有的人|[部大]部?分(?:人|同学|学生)|[不很许]少?多?人)[^。;!?\n]{0,12}(?:认为"
    r"|觉得|以为|会|误))"
    r"[^。;!?\n但却其实]{0,30}\Z"
    r"|(?i:\b(?:at first (?:glance|sight)|on the surface|superficially|seemingly"
    r"|(?:some|many|most|other) [a-z]+ (?:might |may |could |often |will )?(?:think|thought|believe|say|argue"
    r"|claim))\b"
    r"(?:(?!\bbut\b)[^.;!?\n])*)\Z"
)
"""Before letters: they seem so, or others say so."""
_UNDECIDED = re.compile(
    r"(?i:\bdepends\b|\bdepending on\b|\bwithout (?:knowing|more|further)\b|\b(?:can't|cannot"
    r"|can not|unable to"
    r"|not possible to|impossible to|not allow (?:me|us|one) to|hard to|difficult to) (?:single"
    r"|decide|tell|say"
    r"|choose|determine|settle)\b)"
    r"|题(?:干|目)(?:并?没有|并?未)(?:给出|说明|提供|交代)|(?:无法|很难|难以|不能)(?:据此)?(?:确定"
    r"|判断|区分|断定)"
)
"""In a reply: what it says of one case or another is no answer."""
_BEGINS = "\n。;"
"""Before letters: they begin their sentence."""
REACH = 40
"""Characters before letters in which such words are looked for."""


def in_another_case(text: str, at: int, reach: int = 120) -> bool:
    """Whether what follows there holds in a case only, and nothing forces the choice."""
    case = cues.HYPOTHETICAL.search(text, max(0, at - reach), at)
    return case is not None and cues.FORCED.search(case[0]) is None


def left_open(text: str, at: int) -> bool:
    """Whether what follows there holds in a case only, and the reply does not say which case it is."""
    return in_another_case(text, at) and _UNDECIDED.search(text) is not None


def not_said_of_them(text: str, at: int) -> bool:
    """Whether a verdict on the letters there is supposed, another's, or made of what they are compared to."""
    begin = max(0, at - REACH)
    return bool(
        at
        and text[at - 1] not in _BEGINS
        and (
            _COMPARED.search(text, begin, at)
            or _AT_FIRST.search(text, max(0, at - 80), at)
            or marks.OF_SOMEONE.search(text, begin, at)
            or in_another_case(text, at, REACH)
            or left_open(text, at)
        )
    )
