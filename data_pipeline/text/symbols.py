"""The paper's rule on emoji, and the remains of markup.

Invariants:
- Idempotent when applied until nothing changes (see ``cleaning.text_rules``).
- Arrows and mathematical signs are text and stay.
"""

from __future__ import annotations

import html
import re

_SYMBOL = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\ufe0e\ufe0f\u200d\u20e3\u203c\u2049\u00a9\u00ae\U000e0020-\U000e007f]"
)
_BRACKETED = re.compile(r"\[[一-鿿]{1,3}\](?=\s|$|[^\w])")
_ARROWS = re.compile("[\u2190-\u21ff\u2934\u2935]")
_TAG = re.compile(
    r"</?(?:br|p|div|span|b|i|u|em|strong|a|img|sub|sup|table|tbody|tr|td|th|li|ul|ol|h[1-6]|font)\b[^<>]{0,300}>",
    re.IGNORECASE,
)
_ENTITY = re.compile(r"&(?:nbsp|amp|lt|gt|quot|ldquo|rdquo|hellip|mdash|middot|#\d{2,6});")
_IMAGE = re.compile(r"!\[[^\]\n]{0,200}\]\([^)\s]{0,500}\)")
_LINKED = re.compile(r"\[([^\]\n]{1,200})\]\((?:https?:|/|\.|#)[^)\s]{0,500}\)")
_EMPHASIS = re.compile(r"(\*\*|__)(?=\S)([^*_\n]+?)(?<=\S)\1")


def emoji(text: str) -> str:
    """No emoji (the Unicode list, by the library ``emoji``), dingbats, or bracketed ones such as [大哭]."""
    if _SYMBOL.search(text):
        from emoji import replace_emoji

        text = replace_emoji(text, lambda found, _: found if _ARROWS.match(found) else "")
        text = _SYMBOL.sub("", text)
    return _BRACKETED.sub("", text) if "[" in text else text


def markup(text: str) -> str:
    """HTML tags and entities, and Markdown's images, links and emphasis, as the text they hold."""
    if "&" in text:
        text = _ENTITY.sub(lambda entity: html.unescape(entity[0]).replace("\xa0", " "), text)
    if "<" in text:
        text = _TAG.sub(lambda tag: "\n" if tag[0][1:3].lower() == "br" else "", text)
    if "](" in text:
        text = _LINKED.sub(r"\1", _IMAGE.sub("", text))
    if "**" in text or "__" in text:
        text = _EMPHASIS.sub(r"\2", text)
    return text
