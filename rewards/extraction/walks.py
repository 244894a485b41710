"""A walk through the options that breaks off: ``Let's evaluate each of the options:\\n\\nA. … is when one``.

Collaborators: ``reply_rules`` leaves it out where nothing is stated, so that its first or last line is no
answer. Invariants:
- The last line of the text is of the walk, and the walk goes from A on without a gap.
- It is announced, or its last line holds nothing but the option while an earlier one explains.
"""

from __future__ import annotations

import re

from rewards.extraction.options import OptionTable

_LABEL = re.compile(
    r"(?:^|\n)[ \t#>*•·|(（\[-]{0,8}(?:\d{1,2} ?[.、)] ?[*(]{0,3})?(?:(?:[Oo]ption|[Cc]hoice|[Ss]tatement"
    r"|选项) ?)?"
    r"(?P<letter>[A-H])\*{0,2}(?:选?项)?(?=[ *]?[.、:：)）\]–—-]|[ *]{1,3}[A-Z\u4e00-\u9fff]|[ *]*(?:$|\n))"
)
_GOES_THROUGH = re.compile(
    r"(?i:\b(?:let|evaluat|examin|consider|analy[sz]|look|go(?:ing)? (?:through|over)|walk|review|assess"
    r"|discuss"
    r"|break|explor|check|weigh|tak(?:e|ing)|work(?:ing)? through|compar|step|turn)[^.!?\n]{0,80}"
    r"\b(?:options?|choices?|alternatives|possibilities|answers|statements|one by one|in turn|each)\b"
    r"|\b(?:options?|choices?|answers?)(?:'s)? (?:analysis|evaluation|review|breakdown)\b)"
    r"|(?i:\b(?:here (?:is|are)|overview|meanings?|definitions?)\b[^.!?\n]{0,60}\b(?:options?|choices?)\b"
    r"|\beach (?:option|choice|one|of (?:them|these))\b[^.!?\n]{0,20}(?:in turn|means?|refers?)\b)"
    r"|(?i:\bbreak (?:it|this|that|them|things) down\b|\bhere(?:'s| is) (?:the|my|an?) (?:analysis"
    r"|breakdown)\b)"
    r"|(?:分析|解析|解释|说明|剖析|辨析)(?:过程)?如下[:：]?\Z"
    r"|(?:各|每个?|所有)选?项[^。!?\n]{0,10}(?:含义|定义|意思|概念|特点|说明|解释|解读|介绍|讲解|梳理|阐述)"
    r"|(?:逐[一项个条]|依次|一一|分别|看|分析|解析|辨析|讨论|考察|比较|审视|评估|判断)[^。!?\n]{0,16}(?:选项"
    r"|各项|每项|每个)"
    r"|(?:选项|各项|逐项|逐一|逐个|逐条|依次)[^。!?\n]{0,6}(?:分析|解析|辨析|讨论|考察|比较|判断|评估|看)"
)
_HEADS = re.compile(
    r"[\W_]*(?:(?i:(?:(?:first|now|next|step \d|so|okay|ok)[,:]? )?(?:the |all (?:the )?|our |your )?"
    r"(?:options|choices|alternatives)(?: given)?(?: are| were)?(?: as follows)?|analysis|explanation"
    r"|reasoning)|(?:各?选项)?(?:解析|分析|辨析|思路)|解题思路)[\W_]*"
)
"""All of a line before the walk that heads it."""
_BELOW_HEADING = re.compile(
    r"(?:^|\n)(?P<heading>[ #*]{0,6}(?:\d{1,2}|[一二三四五六])[.、)][^\n]{1,60})\n\s*"
    r"(?P<said>[^\n。.!?]{1,40})\s*\Z"
)
_CONCLUDES = re.compile(
    r"(?i:\b(?:arrive|conclu|settle|left with|remain|end up|choos|select|pick|go(?:ing)? with|fits?"
    r"|this one|these ones?|therefore|thus|so)\b|\b(?:is|are) ?[:：]?\s*$)"
    r"|故|所以|因此|应选|答案|选择|得出|可知|可得|符合|正确的?(?:选项)?是|之?后[,，]"
)
"""After the words that announce a walk: what follows is the answer."""
_SENTENCE_STOPS = re.compile(r"[。!?！？\n]|\.(?= )")
_SENTENCE_ENDS = '。.!?)”"*」』;√✓✔✅☑×✗✘❌✕错对'
"""The last character of a line that is whole; verdicts end with some of them."""
LONGEST = 200
"""Characters before the walk in which it is announced."""
_LONGEST_LABEL = 12


def walk_begins(text: str, table: OptionTable) -> int | None:
    """Where the sentence that announces a walk begins (else the walk), if the text breaks off in one."""
    last = text.rstrip().rfind("\n")
    here = _LABEL.match(text, last) if last > 0 and table.closed else None
    if here is None or here["letter"] not in table.letters:
        return _heading_begun(text, table)
    run = table.letters[: table.letters.index(here["letter"]) + 1]
    labels = list(_LABEL.finditer(text, 0, here.end()))
    walk = labels[-len(run) :]
    if "".join(m["letter"] for m in walk) != run:
        return None
    first = walk[0].start()
    before = text[max(0, first - LONGEST) : first].rstrip()
    stop = 0
    for one in _SENTENCE_STOPS.finditer(before, 0, max(0, len(before) - 1)):
        stop = one.end()
    said = before[stop:]
    if announces_walk(said):
        return first - (len(text[:first]) - len(text[:first].rstrip())) - len(said)
    lines = text[first:].rstrip().split("\n")
    bare = [len(line) <= len(table.texts.get(x, "")) + _LONGEST_LABEL for x, line in _of_walk(lines)]
    return first if len(run) > 1 and bare[-1:] == [True] and not all(bare) else None


def breaks_off(text: str, at: int, table: OptionTable) -> bool:
    """Whether what stands there is of a walk that ends amid a sentence, before the last option."""
    end = text.rstrip()
    here = _LABEL.match(text, max(0, end.rfind("\n")))
    if here is None or end[-1:] in _SENTENCE_ENDS or here["letter"] == table.letters[-1]:
        return False
    walk = walk_begins(text, table)
    return walk is not None and walk <= at


def _heading_begun(text: str, table: OptionTable) -> int | None:
    """Where a numbered heading with an option's text begins, if the text breaks off in its words below it."""
    begun = _BELOW_HEADING.search(text[-LONGEST:])
    if begun is None or not table.closed:
        return None
    letter = table.meaning(begun["said"])
    if len(letter) != 1 or table.texts.get(letter, "").lower() not in begun["heading"].lower():
        return None
    return len(text) - len(text[-LONGEST:]) + begun.start("heading")


def announces_walk(sentence: str) -> bool:
    """Whether a sentence says that the options are gone through, and not what comes of it."""
    if _HEADS.fullmatch(sentence):
        return True
    goes = _GOES_THROUGH.search(sentence)
    return goes is not None and _CONCLUDES.search(sentence, goes.start()) is None


def _of_walk(lines: list[str]) -> list[tuple[str, str]]:
    return [(m["letter"], line) for line in lines if (m := _LABEL.match(line))]
