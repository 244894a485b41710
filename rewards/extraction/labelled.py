"""Labelled items below or after a group of letters: ``A. 某文字；C. 某文字``, one a clause or line.

Collaborators: ``statements``, ``conclusions`` and ``restated`` go on with it from what ``groups`` has read.
"""

from __future__ import annotations

import re

from rewards.extraction.groups import LetterGroup, LetterRun, read_item
from rewards.extraction.options import OptionTable
from rewards.extraction.units import WORD, beginning, pairs_of

_LABELLED = re.compile("[.、:]")
_LINE_END = re.compile(r" ?[.。]?(?:\n|$)")
_ITEM_ENDS = re.compile(r" ?[.。;,]?(?:\n|$)")
_BETWEEN_LINES = re.compile(r" ?[.。;,]?\n ?(?:\d{1,2}[.、] ?)?")
_LISTED = re.compile("[\n •·-]")
_LIST_MARK = r"(?:[-•·] ?|\d{1,2}[.、] ?|\d{1,2} )"
_NEXT_LABELLED = re.compile(rf"[^\n。;]*(?:;\n?|\n) ?{_LIST_MARK}?(?=[A-Z])")
_NEXT_LINE = re.compile(rf"[^\n]*\n ?{_LIST_MARK}?(?=[A-Z] ?[.、:])")
_GLOSS_BEGINS = re.compile(" ?:")
_NEXT_LISTED = re.compile(rf"\n?{_LIST_MARK}(?=[A-Z])|\n(?=[A-Z] ?[.。]?(?:\n|$))")
_LIST_LINE = re.compile(r"(?:^|\n) ?(?P<letter>[A-Z]) ?[.、:–—-]")
_LABEL_OF_LINE = re.compile(" ?[.、:–—-]")
_HEADING_REJECTS = re.compile(
    r"\n[^\nA-Z:]{0,12}(?:错误|不正确|不属于|不符合|不选|不应选|排除|(?i:incorrect|wrong|false"
    r"|not ))[^\n:]{0,16}: ?\n"
)
"""Below a list: the other options follow, which are rejected."""
_LONGEST_LINE = 80
_LONGEST_LABEL = 24
"""Characters of a line beyond the option's text that it says in other words."""
_NO_WORDS = re.compile("[的了]")
_REJECTS = re.compile(r"不|错|非|误|[×✗✘❌]|(?i:\b(?:not|incorrect|wrong|false|no)\b|n't\b)")
_PROSE = re.compile(r" [a-z]{2,}|[\u4e00-\u9fff]")
_BULLET_BEFORE = re.compile(r"\n ?(?:[-•·]|\d{1,2}[.、]) ?\Z")
_NEXT_BULLET = re.compile(r"[^\n]*\n ?(?:[-•·]|\d{1,2}[.、]) ?(?=[A-Z] ?(?:[.:、–—-]|\n|$))")


def read_labelled(text: str, group: LetterGroup, table: OptionTable) -> LetterGroup:
    """The group and the labelled items after it: ``A. 某文字；C. 某文字``, one a clause or line.

    Goes on only from an item that is labelled itself, and in ascending order or with lines of one list, so
    that an analysis below an answer is not taken for a part of it.
    """
    items = list(group.items)
    bulleted = _BULLET_BEFORE.search(text, group.start - 4, group.start) is not None
    below = bulleted or text[group.start - 1 : group.start] == "\n"
    ascending, glossed = len(items), False
    while True:
        last = items[-1]
        listed = _NEXT_LISTED.match(text, last.end) if _LISTED.match(text, group.start - 1) else None
        labelled = last.told or _LABEL_OF_LINE.match(text, last.end)
        bullet = None
        joint = listed or (_NEXT_LABELLED.match(text, last.end) if labelled else None)
        if joint is None and last.told and below and _GLOSS_BEGINS.match(text, last.end):
            joint, glossed = _NEXT_LINE.match(text, last.end), True
        if bulleted and (bullet := _NEXT_BULLET.match(text, last.end)):
            joint = bullet
        if joint is None:
            break
        item = read_item(text, joint.end(), table)
        if item is None or len(item.run) > 1 or any(item.run in one.run for one in items):
            break
        if item.run <= last.run and not (below and _goes_on(text, last, item, bullet is not None)):
            break
        plain = _ITEM_ENDS.match(text, last.end) or not below
        alike = below and all(one.told for one in items) and _alike(text, item, table)
        if "\n" in joint[0] and plain and not (alike or _ITEM_ENDS.match(text, item.end)):
            break  # the answer ends its line, or stands within one; this is an analysis
        if "\n" not in joint[0] and item.told and _PROSE.match(text, item.end):
            break  # a clause of its own: ``A. 投射；B. 否认是…``
        in_the_line = "\n" not in joint[0] and _LABELLED.match(text, item.end)
        alone = listed and _LINE_END.match(text, item.end)
        if not (
            item.told
            or in_the_line
            or alone
            or bullet
            or alike
            or _listed_line(text, group, last, item, table)
        ):
            break  # a new line whose text is not that option's is an analysis
        items.append(item)
        if item.run > last.run and ascending == len(items) - 1:
            ascending = len(items)
    if len(items) == len(table.letters) and ascending < len(items):
        items = items[:ascending]  # all options are listed anew below the answer
    if (bulleted or glossed) and len(items) == len(table.letters):
        return group  # each option is discussed
    return LetterGroup(tuple(items), group.hedged)


def _alike(text: str, item: LetterRun, table: OptionTable) -> bool:
    """Whether the line of a letter says its option's text in hardly other words."""
    end = text.find("\n", item.end)
    line = text[item.end : end if end >= 0 else len(text)].lower()
    own = table.texts.get(item.run, "")
    units = [beginning(word) for word in WORD.findall(own.lower())] + pairs_of(own, _NO_WORDS)
    label = line.startswith((" ", ".", "、", ":")) and len(line) <= len(own) + _LONGEST_LABEL
    told = sum(unit in line for unit in units)
    return label and len(units) > 1 and 4 * told >= 3 * len(units) and not _REJECTS.search(line)


def _goes_on(text: str, last: LetterRun, item: LetterRun, bulleted: bool) -> bool:
    """Whether a line with an earlier letter is of the same list: its text alone, or a like bullet."""
    between = text[last.end : item.start]
    end = text.find("\n", item.end)
    line = text[item.end : end if end >= 0 else len(text)]
    if bulleted:
        return len(between) <= 2 * _LONGEST_LINE and not _REJECTS.search(between + line)
    ends = _ITEM_ENDS.match(text, item.end) is not None
    return ends and _BETWEEN_LINES.fullmatch(between) is not None


def _listed_line(text: str, group: LetterGroup, last: LetterRun, item: LetterRun, table: OptionTable) -> bool:
    """Whether lines in other words than the options' go on a list below a cue.

    None of them is rejected, and an option is missing.
    """
    if text[group.start - 1 : group.start] != "\n" or not _LABEL_OF_LINE.match(text, item.end):
        return False
    rejects = _HEADING_REJECTS.search(text, group.start)
    stop = rejects.start() if rejects else len(text)
    listed = {m["letter"] for m in _LIST_LINE.finditer(text, group.start, stop)}
    end = text.find("\n", item.end)
    line = text[last.end : end if end >= 0 else len(text)]
    return len(listed) < len(table.letters) and len(line) <= 2 * _LONGEST_LINE and not _REJECTS.search(line)
