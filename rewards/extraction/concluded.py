"""An option's whole text that ends a clause after words that conclude: ``诊断：惊恐障碍。``, ``So it's REM.``

Collaborators: ``reply_rules`` asks it where nothing else is said; the words that lead to letters
(``leads.LEAD``) lead to texts too. Invariants:
- The words before the text in its sentence neither negate nor suppose, and name no other option.
- The question has one answer by its wording, and no two such clauses differ.
"""

from __future__ import annotations

import re
from itertools import islice

from rewards.extraction.cues import CLAUSE_END
from rewards.extraction.leads import LEAD, spoilt_sentence
from rewards.extraction.options import OptionTable
from rewards.extraction.question import QuestionWording
from rewards.extraction.reading import Reading
from rewards.extraction.wording import COUNTED, overlap

_LABEL = re.compile(
    r"(?:^|[\n。;!?] ?|[,] ?|[•·-] ?)(?!鉴别|相关|相似|类似|易混|其他|别的|干扰|对比)[^\n。;:!?,]{0,16}?"
    r"(?:诊断|方法|概念|术语|名词|效应|机制|技术|理论|疗法|原则|现象|类型|阶段|名称|品质|策略|结论|判断"
    r"|归类|定性|学者|人物|意见|印象)"
    r"(?:名称|名字|意见|结论|印象|结果|考虑|应)?(?:是|为)? ?:[ \n]?\Z"
    r"|(?i:(?:^|[\n.;!?] ?|[•·-] ?)(?!other|related|similar|differential|not\b"
    r"|no\b)(?:[a-z]+ ){0,3}?(?:diagnosis|term|concept|name"
    r"|impression|conclusion|verdict|classification|mechanism|technique|label|effect"
    r"|author)(?: is)? ?:[ \n]?)\Z"
)
_LEADS = re.compile(
    r"(?:据此|由此|因此|所以|故|可以?|应该?|属|题中|这里|此处|综上|[,。;\n ]|^)[^。;:!?\nA-Z不非没无]{0,12}"
    r"(?:判断|判定|归入|归于|归为|归到|落在|落到|定为|锁定|(?<!鉴别)诊断|考虑)(?:为|是|在|到)? ?\Z"
    r"|首先考虑 ?\Z"
    r"|(?i:\b(?:(?:so|thus|hence|therefore|then|clearly|here|overall),? (?:it|that|this|he|she)(?:'s| is)"
    r"|(?:i'd|i would) say|(?:we|you) (?:get|have|settle on|end up with|arrive at|conclude)"
    r"|what (?:you|we) have is|(?:goes by|bears) the name(?: of)?|this happens to be|in short,?"
    r"|answer,? then,? is|best bet is|has a name:|the word for (?:that|this|it) is"
    r"|(?:filled|completed) with|only be described as)(?: an?| the)?) ?\Z"
)
_NAMED = re.compile(
    r"(?:(?:管|把)这叫|[叫称](?:之为|做|作|为)?|即为|名叫|名称叫|→|⇒|[-=]>) ?\Z"
    r"|(?i:\b(?:counts as|known as|plays the role of)(?: an?| the)?) ?\Z"
)
"""Before a text: something is called so."""
_POINTS = re.compile(r"这|此|该|其|题|(?i:\b(?:this|such|that|these|those|here)\b)")
_OF_OTHERS = re.compile(
    r"(?i:\b(?:would|could|might|may|if|unlike|whereas|while)\b)|才(?:叫|是)|反过来|要是|倒是|则(?:叫|称)"
)
REACH = 90
"""Characters before a text that are looked at."""
MOST = 8
"""Places of one option's text that are looked at."""


def concluded_text(text: str, table: OptionTable, question: QuestionWording) -> Reading | None:
    """The option whose text the folded reply's conclusions end with."""
    if question.several or question.negative or not (table.closed and question.key):
        return None
    found: dict[str, Reading] = {}
    said = text.lower()
    for letter, own in table.texts.items():
        for at in islice(_places(said, own.lower()), MOST):
            if not CLAUSE_END.match(text, at + len(own)):
                continue
            before = text[max(0, at - REACH) : at]
            others = [x for y, x in table.texts.items() if y != letter]
            if _concludes(before, others, question):
                found[letter] = Reading(letter, at, at + len(own))
    return next(iter(found.values())) if len(found) == 1 else None


def _places(said: str, own: str) -> list[int]:
    places: list[int] = []
    at = said.find(own)
    while at >= 0 and len(places) < MOST:
        if not (own[:1].isascii() and said[at - 1 : at].isalnum() and said[at - 1 : at].isascii()):
            places.append(at)
        at = said.find(own, at + len(own))
    return places


def _concludes(before: str, others: list[str], question: QuestionWording) -> bool:
    if _LABEL.search(before):
        return True
    sentence = re.split(r"[。!?;\n]|\.(?= )", before)[-1]
    if COUNTED.search(before) or _OF_OTHERS.search(sentence) or spoilt_sentence(sentence):
        return False
    if any(len(own) > 1 and own.lower() in sentence.lower() for own in others):
        return False
    if _NAMED.search(sentence):  # any definition does so: it must be of what is asked
        return _POINTS.search(sentence) is not None or overlap(sentence, question).told > 1
    return _LEADS.search(sentence) is not None or LEAD.search(sentence) is not None
