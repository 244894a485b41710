"""The paper's rule on punctuation, and the spaces and line breaks around Chinese characters.

Invariants:
- Idempotent when applied until nothing changes (see ``cleaning.text_rules``).
- ASCII marks between Latin letters and digits stay, and the dot of a name (卡尔.罗杰斯).
- A line break goes only where the layout of a page wrapped a sentence: turns of a conversation, entries of a
  form, items of a list and short lines stay lines.
"""

from __future__ import annotations

import re
from itertools import pairwise

_CJK = r"\u3400-\u4dbf\u4e00-\u9fff"
_FULL_WIDTH = str.maketrans({",": "，", ";": "；", ":": "：", "?": "？", "!": "！"})
_NEAR = rf"[{_CJK}，。：；？！（）“”‘’【】《》、…—［］]"
_PARAGRAPHS = re.compile(r"[^\S\n]*\n\s*\n\s*")
_AROUND_BREAK = re.compile(r"[^\S\n]*\n[^\S\n]*")
_WRAP_CHARS = 15  # a page wraps no shorter line than this, unless it ends in the middle of a phrase
_WRAPPED_END = re.compile(rf"[{_CJK}，、“‘（《—］]$")
_UNFINISHED_END = re.compile(r"(?:[，、“‘（《或]|(?<!目)的|(?<![温平缓饱总])和|(?<!参)与)$")
_BROKEN_OFF = re.compile(r"(?:^|[。；！？])[^。；！？\n]$")  # one character is no line
_WRAPPED_BEGIN = re.compile(rf"[{_CJK}，。；？！、）”’》“‘（《［]")
_NEW_LINE = re.compile(  # a turn or entry, or an item of a list
    r"[\w （）()]{1,12}[:：]|[一二三四五六七八九十]{1,3}[、.．）)]|[（(](?:\d{1,3}"
    r"|[一二三四五六七八九十]{1,3})[）)]"
    r"|第[\d一二三四五六七八九十百]{1,4}[章节条篇]|【"
)
_BLANK = re.compile(rf"(?<={_NEAR})[^\S\n]+(?=\S)|(?<=\S)[^\S\n]+(?={_NEAR})")
# Characters that foreign names are written with; a dot between two of them parts first and last name.
_SOUNDS = (
    "阿埃艾爱安奥巴班贝本比彼宾波伯勃布查达戴丹德邓迪蒂丁顿多厄恩尔法菲费芬夫弗福盖冈格戈古哈海汉赫亨华怀霍基吉加杰金卡凯康考科克肯孔库拉"
    "莱赖兰劳勒雷里利丽林琳柳卢鲁伦罗洛马玛麦曼梅门米密明摩莫姆穆纳娜南内尼诺欧帕潘佩皮平普奇齐乔切琼让荣瑞若萨塞桑森沙舍史斯松索塔泰坦汤特"
    "提图托瓦万威韦维温沃乌伍西希谢休许雅亚扬耶伊因尤约泽詹珍朱兹茨赛维蒙芙莉皮杜什泊"
)
_NAME_DOT = rf"(?<![{_SOUNDS}])|(?![\.][{_SOUNDS}][{_SOUNDS}])"
_MARK = re.compile(rf"(?<=[{_CJK}”）》])[^\S\n]*[,;:?!]")
_STOP = re.compile(rf"(?<=[{_CJK}”）》])(?:{_NAME_DOT})\.(?![A-Za-z0-9_.])")
_OPEN = re.compile(rf"\((?=[{_CJK}])|(?<=[{_CJK}])\(")
_CLOSE = re.compile(rf"(?<=[{_CJK}。！？])\)")
_CLOSE_OF_OPEN = re.compile(r"(（[^（()）]*)\)")
_ELLIPSIS = re.compile(r"\.{3,}|。{3,}|…{3,}|(?<!…)…(?!…)")
_DASH = re.compile(r"—{3,}|-{3,}")
_WAVE = re.compile(r"～{2,}")
_TWICE = re.compile(r"([，。：；？！、,;:?!])\1+")


def punctuation(text: str) -> str:
    """Chinese marks after Chinese characters, and each mark once."""
    text = _MARK.sub(lambda mark: mark[0].strip().translate(_FULL_WIDTH), text)
    if "." in text:
        text = _STOP.sub("。", text)
    if "(" in text or ")" in text:
        text = _CLOSE_OF_OPEN.sub(r"\1）", _CLOSE.sub("）", _OPEN.sub("（", text)))
    text = _ELLIPSIS.sub("……", text)
    text = _WAVE.sub("～", _DASH.sub("——", text))
    return _TWICE.sub(r"\1", text)


def spacing(text: str) -> str:
    """No space or wrapped line inside Chinese sentences; paragraphs and lines stay apart."""
    if "\n" in text:
        text = _unwrapped(_AROUND_BREAK.sub("\n", _PARAGRAPHS.sub("\n\n", text)))
    return _BLANK.sub("", text).strip()


def _unwrapped(text: str) -> str:
    """Lines that a page wrapped, joined again."""
    lines = text.split("\n")
    joined = lines[:1]
    for before, line in pairwise(lines):
        if _goes_on(before, line):
            joined[-1] += line
        else:
            joined.append(line)
    return "\n".join(joined)


def _goes_on(before: str, line: str) -> bool:
    """Whether a line break stands inside a sentence."""
    if not _WRAPPED_BEGIN.match(line) or _NEW_LINE.match(line):
        return False
    if _UNFINISHED_END.search(before) or (_BROKEN_OFF.search(before) and _WRAPPED_END.search(before)):
        return True
    return len(before) >= _WRAP_CHARS and bool(_WRAPPED_END.search(before))
