"""The paper's rule on punctuation, and the spaces around Chinese characters.

Invariants:
- Idempotent when applied until nothing changes (see ``cleaning.text_rules``).
- ASCII marks between Latin letters and digits stay.
"""

from __future__ import annotations

import re

_CJK = r"\u3400-\u4dbf\u4e00-\u9fff"
_FULL_WIDTH = str.maketrans({",": "，", ";": "；", ":": "：", "?": "？", "!": "！"})
_NEAR = rf"[{_CJK}，。：；？！（）“”‘’【】《》、…—［］]"
_PARAGRAPHS = re.compile(r"[^\S\n]*\n\s*\n\s*")
_WRAPPED = re.compile(rf"(?<={_NEAR})[^\S\n]*(?<!\n)\n(?!\n)[^\S\n]*(?={_NEAR})")
_BLANK = re.compile(rf"(?<={_NEAR})[^\S\n]+(?=\S)|(?<=\S)[^\S\n]+(?={_NEAR})")
_MARK = re.compile(rf"(?<=[{_CJK}”）》])\s*[,;:?!]")
_STOP = re.compile(rf"(?<=[{_CJK}”）》])\.(?![A-Za-z0-9_.])")
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
    """No space or line break inside Chinese sentences; paragraphs stay apart."""
    if "\n" in text:
        text = _WRAPPED.sub("", _PARAGRAPHS.sub("\n\n", text))
    return _BLANK.sub("", text).strip()
