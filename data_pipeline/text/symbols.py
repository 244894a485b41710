"""The paper's rule on emoji, and the remains of markup.

Invariants:
- Idempotent when applied until nothing changes (see ``cleaning.text_rules``).
- Signs that say something stay: arrows, mathematical signs, ♂ and ♀, ticks and boxes, numbers in circles.
- What is no tag stays: ``a<b 且 c>d``; so do blanks to fill in (``__``) and stars of significance (``**``).
"""

from __future__ import annotations

import html
import re

_SYMBOL = re.compile(
    "[\U0001f000-\U0001f0ff\U0001f170-\U0001faff\u2600-\u27bf\u2b00-\u2bff"
    "\ufe0e\ufe0f\u200d\u20e3\u203c\u2049\u00a9\u00ae\U000e0020-\U000e007f]"
)
_TEXT_SIGN = re.compile("[\u2190-\u21ff\u2934\u2935♂♀⚢-⚩☐☑☒✓✔✕✖✗✘★☆❶-➓㊗㊙Ⓜ]")
_OF_PERSON = re.compile("(?<=[\u26f9\U0001f3c3-\U0001f3fc\U0001f3fb-\U0001f3ff\U0001f440-\U0001faff])"
                        "\ufe0f?\u200d?[♂♀]\ufe0f?")  # fmt: skip
# The names that chat programs (WeChat, Weibo, QQ) give their pictures. Other bracketed words are text: [注].
_PICTURES = (
    "大哭|流泪|泪|快哭了|哭|心碎|伤心|难过|悲伤|失望|委屈|可怜|微笑|撇嘴|发呆|得意|害羞|闭嘴|睡|尴尬|发怒|怒|调皮|呲牙|惊讶|囧|抓狂|吐|偷笑"
    "|愉快|白眼|傲慢|困|惊恐|流汗|憨笑|悠闲|奋斗|咒骂|疑问|嘘|晕|衰|骷髅|敲打|再见|擦汗|抠鼻|鼓掌|坏笑|左哼哼|右哼哼|哈欠|鄙视|阴险|亲亲"
    "|菜刀|西瓜|啤酒|咖啡|猪头|玫瑰|凋谢|嘴唇|爱心|心|蛋糕|炸弹|便便|月亮|太阳|拥抱|抱抱|强|弱|握手|胜利|抱拳|勾引|拳头|笑脸|生病|破涕为笑"
    "|吐舌|恐惧|无语|嘿哈|捂脸|奸笑|机智|皱眉|耶|吃瓜|加油|汗|天啊|社会社会|旺柴|好的|打脸|哇|翻白眼|让我看看|叹气|苦涩|裂开|合十|烟花|鲜花"
    "|哈哈|嘻嘻|爱你|酷|黑线|思考|费解|感冒|允悲|悲催|笑而不语|跪了|中国赞|赞|给力|威武|蜡烛|礼物|红包|发|福"
)
_BRACKETED = re.compile(rf"\[(?:{_PICTURES})\]")
_NAMES = (
    "br|p|div|span|b|i|u|em|strong|a|img|sub|sup|table|tbody|thead|tr|td|th|li|ul|ol|h[1-6]|font|center|hr"
)
_ATTRIBUTE = r"\s+[\w:-]+\s*=\s*(?:\"[^\"<>]{0,300}\"|'[^'<>]{0,300}'|[^\s\"'<>]{1,300})"
_TAG = re.compile(
    rf"<(?:/(?P<closed>{_NAMES})\s*|(?P<name>{_NAMES})(?:{_ATTRIBUTE}){{0,12}}\s*/?)>", re.I | re.A
)
_LETTER_TAG = re.compile(r"<([biuap])>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:nbsp|amp|lt|gt|quot|ldquo|rdquo|hellip|mdash|middot|#\d{2,6});")
_IMAGE = re.compile(r"!\[[^\]\n]{0,200}\]\([^)\s]{0,500}\)")
_LINKED = re.compile(r"\[([^\]\n]{1,200})\]\((?:https?:|/|\.|#)[^)\s]{0,500}\)")
_STARRED = re.compile(r"(?<![A-Za-z0-9*])\*\*(?=[^\s*])([^*\n]+?)(?<=\S)\*\*")
_UNDERLINED = re.compile(r"(?<![\w])__(?=[^\W_])([^_\n]+?)(?<=[\w。！？!?”])__(?!\w)")


def emoji(text: str) -> str:
    """No emoji (the Unicode list, by the library ``emoji``), dingbats, or pictures of chats: [大哭]."""
    if _SYMBOL.search(text):
        from emoji import replace_emoji

        text = _OF_PERSON.sub("", text)
        text = replace_emoji(text, lambda found, _: found[0] if _TEXT_SIGN.match(found) else "")
        text = _SYMBOL.sub(lambda found: found[0] if _TEXT_SIGN.match(found[0]) else "", text)
    return _BRACKETED.sub("", text) if "[" in text else text


def markup(text: str) -> str:
    """HTML tags and entities, and Markdown's images, links and emphasis, as the text they hold."""
    if "&" in text:
        text = _ENTITY.sub(lambda entity: html.unescape(entity[0]).replace("\xa0", " "), text)
    if "<" in text:
        text = _TAG.sub(lambda tag: _without_tag(tag, text), text)
    if "](" in text:
        text = _LINKED.sub(r"\1", _IMAGE.sub("", text))
    if "**" in text:
        text = _STARRED.sub(r"\1", text)
    return _UNDERLINED.sub(r"\1", text) if "__" in text else text


def _without_tag(tag: re.Match[str], text: str) -> str:
    """What stands for a tag. One letter between < and > is a tag only in company: of its end or its begin,
    or, for the one that begins a paragraph, before anything else on the line."""
    name = (tag["name"] or tag["closed"]).lower()
    if name == "br":
        return "\n"
    if len(name) == 1 and _LETTER_TAG.fullmatch(tag[0]):
        opens_line = name == "p" and not text[: tag.start()].rpartition("\n")[2].strip()
        return "" if opens_line or f"</{name}" in text.lower() else tag[0]
    return ""
