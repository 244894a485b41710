"""Letters added to an answer in the next clause, or taken out: ``A and C are duties. E is as well.``

Collaborators: ``reply_rules`` asks it when the answer is known. Invariants:
- Nothing stands between the answer and what is added that names another option.
- The added letters end their clause, or nothing but too, also or as well is said of them.
"""

from __future__ import annotations

import re

from rewards.extraction.cues import ANY_LETTER, CLAUSE_END
from rewards.extraction.groups import read_group
from rewards.extraction.options import OptionTable

_CHOOSE = r"(?:choose|select|add|include|pick|tick|mark|check|say)"
_ADDS = re.compile(
    r"(?:(?<=[.,;!\n。])|(?<=[.,;!\n] )|(?<= and )|(?<= so )|(?<= but ))"
    r"(?P<before>(?i:(?:and )?(?:so (?:is|are|does|do)|also|additionally,?|plus"
    rf"|(?:I'd|I would|you should|we should|you can) also {_CHOOSE}|I(?:'d| would) add) (?:options? )?)"
    r"(?=[A-Z](?![A-Za-z]))|(?:还要?|应该?|需要?|再)?(?:补上|补充|再加|加上)[: ]?(?=[A-Z])"
    r"|(?:(?:此外|另外|同时),?)?还有(?:选项)?(?=[A-Z](?![A-Za-z]))"
    r"|(?:[Oo]ptions? )?(?=[A-Z] (?:should|must|needs to|has to) be (?:added|included)\b)"
    r"|(?:[Oo]ptions? )?(?=[A-Z](?:,? (?:and )?[A-Z])* (?:(?:is|are|does|do|counts?|applies|fits|belongs) )?"
    r"(?:too|as well|also)(?= ?(?:$|[.,;!\n]))))"
)
_TOO = re.compile(
    r" (?:should|must|needs to|has to) be (?:added|included)\b| (?:(?:is|are|does|do|counts?|applies"
    r"|fits|belongs) )?(?:too|as well|also)\b"
)
_REASONS = re.compile(
    r",? (?:because|since|due to|as) (?:[^.;!?\nA-Z]|[A-Z](?=[A-Za-z])){3,80}(?:[,;] (?:and )?"
    r"| and )(?:option )?(?=[A-H],? (?:because|since|due to|as)\b)"
)
"""After a letter: its reason, and the next one with a reason."""
_DROPS = re.compile(
    r"(?:(?i:\b(?:without|minus|drop|remove|delete|take out|leave out)(?: option)? )|去掉|删[去除掉]|去除"
    r"|减去)(?P<after>[A-H])(?![A-Za-z])"
    r"|(?<![A-Za-z])(?P<before>[A-H])(?: (?:should|must|has to|needs to) be (?:dropped|removed|deleted"
    r"|left out|taken out)\b"
    r"|(?:选?项)?[^,。;\nA-Z]{0,8},?(?:应该?|要|需|可以)?(?:去掉|删[去除掉]|去除)(?=[。,;!\n]|$))"
)
REACH = 160
"""Characters after the answer in which something may be added."""


def _more(text: str, at: int, end: int) -> re.Match[str] | None:
    """Where a letter is added after ``at``: with a reason of its own, or by a word that adds."""
    return _REASONS.match(text, at) or _ADDS.search(text, at, min(len(text), end + REACH))


def added_letters(text: str, end: int, table: OptionTable) -> tuple[str, int]:
    """The letters that the folded reply adds after its answer, and where they end; "" for none."""
    letters, at = "", end
    while adds := _more(text, at, end):
        group = read_group(text, adds.end(), table)
        if group is None or ANY_LETTER.search(text, at, adds.end()) or not table.exists(group.letters):
            break
        if not (
            adds.re is _REASONS
            or _TOO.match(text, group.end)
            or (adds["before"] and CLAUSE_END.match(text, group.end))
        ):
            break
        letters, at = letters + group.letters, group.end
    return letters, at


def dropped_letters(text: str, end: int) -> str:
    """The letters that the folded reply takes out of its answer: ``A, B and C. B should be dropped.``"""
    return "".join(m["after"] or m["before"] for m in _DROPS.finditer(text, end, min(len(text), end + REACH)))
