"""Options discussed one by one, each with its verdict at the end: ``A. 投射：…\\n- ❌ 这个说法错误``.

Collaborators: ``reply_rules`` asks it where nothing is stated. Invariants:
- Every option has a block of its own in the order of the letters, and every block a verdict.
- Blocks that say both right and wrong say nothing.
"""

from __future__ import annotations

import re

from rewards.extraction.cues import END
from rewards.extraction.options import OptionTable
from rewards.extraction.predicates import claimed
from rewards.extraction.question import QuestionWording

_HEAD = re.compile(
    r"(?:^|[\n;。]|\. ) ?(?:[#>•·|-] ?){0,3}(?:\d{1,2}[.、] ?)?(?:(?:选项|[Oo]ption|[Ss]tatement"
    r"|[Cc]hoice) ?)?"
    r"(?P<letter>[A-Z])(?: ?选?项)?(?= ?(?:[.、:—–-]|\n)| [\u4e00-\u9fffA-Z]|(?<!A) [a-z])"
)
_CONCLUDES = re.compile(
    r"\n ?(?:综上|因此|所以|总之|总结|故|Therefore|Thus|So\b|In (?:summary|conclusion)|Overall|Hence)"
)
_SUBJECT = (
    r"(?:所以|因此|故|判断|结论|评价|是否正确|结果|verdict|this (?:option|statement|one)?|it|which)?[ :]{0,2}"
    r"(?:(?:这个?|该|此|本)(?:一)?)?(?:选?项|选项|说法|表述|描述|内容|配对|搭配)?(?:是|为)?[ :]?"
)
_VERDICT = re.compile(
    rf"(?:^|[。.,;:!\n—–|→=>-]) ?(?i:{_SUBJECT})"
    r"(?:(?P<crossed>[×✗✘❌✕])|(?P<ticked>[√✓✔✅☑])|(?P<wrong>(?:错误?的?|不正确|不对|有误|不符合?(?:题意"
    r"|要求|题干|描述|事实)?"
    r"|不属于|不应?选|应?排除|不成立|不(?:支持|匹配|对应|可选|可取|准确|恰当|合理|妥|合适)|站不住脚"
    r"|(?i:(?:is |are )?(?:incorrect|wrong|false|inaccurate|invalid|untrue|unsupported|not (?:correct|true"
    r"|right|included|applicable|relevant|supported|valid))|no"
    rf"|excluded|(?:does not|doesn't) (?:apply|fit|belong|qualify))){END})"
    r"|(?P<right>(?:正确的?|对的?|符合(?:题意|要求|题干|描述|事实)?|属于|应?选|入选|成立|无误|属实|支持"
    r"|匹配|可选|可取|准确|没有?(?:问题|错)|站得住脚"
    r"|(?i:(?:is |are )?(?:correct|right|true|included|accurate|valid|supported)|yes|(?:this )?applies|fits"
    r"|belongs"
    rf"|qualifies)){END})"
    r"|(?P<denied>(?:不是|不属于|并非|(?i:(?:is|are) not )|(?i:not ))[^。.,;:!\n|]{2,60})"
    r"|(?P<said>(?:也?是|属于|也属于|(?i:(?:is|are|also) )|(?i:an? ))[^。.,;:!\n|]{2,60}))"
    r"|(?<=[\w%]) ?(?:(?P<tick>[√✓✔✅☑])|(?P<cross>[×✗✘❌✕]))(?= ?(?:\n|$))"
)
_STEPS = 60
"""Verdicts that are looked at in a block."""


def option_verdicts(
    text: str, table: OptionTable, question: QuestionWording
) -> dict[str, tuple[bool, int, int]]:
    """Each option's verdict and where its letter stands; empty where not every option has one."""
    if not table.closed:
        return {}
    heads = _heads(text, table)
    if len(heads) < 2:
        return {}
    verdicts: dict[str, tuple[bool, int, int]] = {}
    for place, head in enumerate(heads):
        last = place + 1 == len(heads)
        end = len(text) if last else heads[place + 1].start()
        if last and (stop := _CONCLUDES.search(text, head.end())):
            end = stop.start()
        verdict = _verdict(text, head.end(), end, question)
        if verdict is None:
            return {}
        verdicts[head["letter"]] = (verdict, *head.span("letter"))
    return verdicts


def _heads(text: str, table: OptionTable) -> list[re.Match[str]]:
    """Where the block of each option begins, in the order of the letters; none where one is missing."""
    heads: list[re.Match[str]] = []
    for head in _HEAD.finditer(text):
        if len(heads) < len(table.letters) and head["letter"] == table.letters[len(heads)]:
            heads.append(head)
    return heads if len(heads) == len(table.letters) else []


def _verdict(text: str, start: int, end: int, question: QuestionWording) -> bool | None:
    """Whether a block says right or wrong; None where it says neither or both."""
    block = text[start:end]
    said = set()
    for count, found in enumerate(_VERDICT.finditer(block)):
        if found["right"] or found["ticked"] or found["tick"]:
            said.add(True)
        elif found["wrong"] or found["crossed"] or found["cross"]:
            said.add(False)
        elif (
            question.key
            and not question.negative
            and found["said"]
            and claimed(found["said"], question, False)
        ):
            said.add(True)
        elif question.key and found["denied"] and claimed(_without_not(found["denied"]), question, True):
            said.add(False)
        elif question.negative and found["said"] and claimed(found["said"], question, True):
            said.add(True)
        if count > _STEPS:
            return None
    return said.pop() if len(said) == 1 else None


def _without_not(denied: str) -> str:
    return re.sub(r"^(?:不是|不属于|并非|(?i:(?:is|are) not )|(?i:not ))", "", denied)
