"""Verdicts at the end of the clause, row or sentence that letters begin: ``A选项，来访者有知情权，正确``.

Collaborators: ``judgements`` asks it where nothing is said right after the letters. Invariants:
- The letters begin their clause; nothing between them and the verdict names another option.
- Where the wrong option is asked for, the best one is no answer.
"""

from __future__ import annotations

import re

from rewards.extraction import verdicts
from rewards.extraction.cues import END
from rewards.extraction.findings import Findings
from rewards.extraction.groups import LetterGroup
from rewards.extraction.verdicts import AMONG, THE_ONE

_CLAUSE_START = re.compile(
    r"(?:(?:^|[\n。;•>|,-])(?: |选项)?|选项 | 选项|(?:^|[\n。;])对于? ?|[,。;]而 ?"
    r"|\n\d{1,2}[.、] ?)\Z"
)
SENTENCE_START = re.compile(r"(?:^|[\n.;!] ?)(?:[Oo]ption )?\Z")
_LABELLED = re.compile(" ?[.:、]")
_FAR = re.compile(
    r"(?:[^\n。;A-Z]|[A-Z](?=[a-z]{2})|(?<![A-Z])(?![A-E]{2})[A-Z](?=[A-Z0-9])"
    r"|(?<=[A-Z])[A-Z](?![a-z]{2})){1,80}?[,:—\-( →=>](?:该|此|这|故|所以|因此|因而|说法|表述|描述|解释|理解"
    r"|观点|做法|叙述|论述|陈述|判断|一|选?项"
    rf"|是|显然|均|也|为|的|却|则|才|就|确实|相对){{0,6}}{AMONG}?"
    r"(?:(?P<wrong>错误?|不正确|不对|不(?:成立|支持|匹配|可选|可取)|不符合?(?:题意|要求)?|有误|不应?选"
    r"|不(?:吻合|一致)|不属于[^,。;\nA-Z]{0,12}|应?排除|[×✗✘❌✕]"
    r"|[更最]?不(?:合适|恰当|妥当?|合理|准确|可取))"
    r"|(?P<right>正确|对|无误|成立|支持|匹配|可选|可取|与[^,。;\nA-Z不]{1,10}(?:吻合|相符|一致)"
    r"|(?:[更最]为?)?符合(?:题意|要求)?|(?:[更最]|比(?:选项)?[A-Z](?:[、和与]?[A-Z])*(?:选?项)?(?:[要都还]"
    r"|显得)?更)"
    r"(?:[为加]|能)?(?:合适|恰当|贴切|准确|合理|合题意|妥当?|得体|可取|好|佳)|[正就]是(?:本题)?(?:应该?|要"
    r"|该)(?:挑|选|找)的(?:那?一?[项个])?|应选|入选|当选|[√✓✔✅☑]))"
    rf"{THE_ONE}{END}"
)
"""After a letter at the start of a clause: the item's text, and a verdict at the clause's end."""
_ROW = re.compile(
    r" ?\|(?:[^|\n]{0,60}\|){0,3}? ?(?:是 ?)?(?:(?P<wrong>[×✗✘❌✕]|错误?|否|不(?:正确|对|是|属于|选|符合)"
    r"|(?i:no|false|incorrect|wrong|excluded|(?:not|does not|doesn't) [a-z]{3,12}))"
    r"|(?P<right>[√✓✔✅☑]|正确|对|是|属于|选|应选|符合|(?i:yes|true|correct|right|included|applies|fits"
    r"|belongs"
    r"|matches)))(?![^| \n])"
)
"""After a letter that begins a row of a table: the cell with a verdict."""
_FAR_ENGLISH = re.compile(
    r"[^\n。;.|]{1,80}?(?: ?[–—:-] ?|, )(?i:(?:this |it |which )?(?:is )?(?:(?P<wrong>incorrect|wrong|false"
    r"|not correct|no)"
    r"|(?P<right>correct|right|true|yes)))(?= ?(?:$|[,.;\n]))"
)
"""After a labelled letter: an option in other words, a dash, and a verdict."""
_FAR_BEST = re.compile(
    r" (?:[^\n。;.!?|A-Z]|[A-Z](?=[a-z])){3,120}?(?:\b(?:is|remains|as)|mak(?:es|ing) it)"
    r"(?: (?:also|therefore|thus|hence|clearly|indeed|by far|easily|overall)){0,2} the (?:single )?"
    r"(?:best|most (?:appropriate|fitting|suitable|accurate|helpful|likely|plausible|reasonable|effective"
    r"|supportive|empath(?:et)?ic|relevant|precise|complete))"
    r"(?: (?:option|choice|answer|response|reply|one|fit|match|description|explanation|action|step"
    r"|statement|approach))?"
    rf"(?: here| (?:of|among) (?:all|them|these|those|the (?:four|five|three|options|lot)))?{END}"
)
"""After a letter that begins a sentence: what it does, and that it is the best."""
_HELD_BACK = re.compile(
    r"n't\b|(?i:\b(?:not|never|no|may|might|could|least|less|would|if|unless|hardly|than|some|although"
    r"|though)\b)"
)
"""Between a letter and what is best: it is not said of the letter, or not for sure."""
_SUPERLATIVES = ("更", "最", "比")


def far_verdict(text: str, group: LetterGroup, found: Findings) -> int | None:
    """Note the verdict at the end of what the letters begin; returns where it ends."""
    return _at_the_end(text, group, found) or _best(text, group, found)


def _at_the_end(text: str, group: LetterGroup, found: Findings) -> int | None:
    begins = _CLAUSE_START.search(text, max(0, group.start - 6), group.start)
    far = begins and (
        (begins[0].startswith("|") and _ROW.match(text, group.end))
        or _FAR.match(text, group.end)
        or (_LABELLED.match(text, group.end) and _FAR_ENGLISH.match(text, group.end))
    )
    if not far or (found.question.negative and (far["right"] or "").startswith(_SUPERLATIVES)):
        return None
    of_the_answer = verdicts.of_the_answer(far, "wrong", "right")
    found.judge(group, right=far["right"] is not None, of_the_answer=of_the_answer)
    return far.end()


def _best(text: str, group: LetterGroup, found: Findings) -> int | None:
    """``Option C names the feeling and is therefore the best of the four.``"""
    if not text.startswith(" ", group.end):
        return None
    begins = SENTENCE_START.search(text, max(0, group.start - 9), group.start)
    if begins is None or len(group.letters) > 1 or found.question.negative:
        return None
    far = _FAR_BEST.match(text, group.end)
    if far is None or _HELD_BACK.search(far[0]):
        return None
    found.judge(group, right=True)
    return far.end()
