"""Personal data that its words give away: QQ and WeChat accounts in their disguises, and addresses.

Role: finders over plain text (see ``pii_plain``); ``pii_names`` has those of names.
Invariants:
- An account needs a word that calls it so; letters alone behind 微信 are none (微信Android版).
- A street address needs a number of a house.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from data_pipeline.cleaning.pii_plain import digits

Places = Iterator[tuple[int, int]]

_HEART = r"[❤♥\ufe0f]*"
_BREAK = r"[\s:：=＝~—,，|>_.-]{0,4}"
_WECHAT_WORD = (
    rf"(?:(?:微|薇|威|维|徽|卫|围|[vVwW]|wei|WEI|Wei)[ ./·*]?(?:信|❤\ufe0f?|♥\ufe0f?|x(?=[^a-z])|X)|weixin"
    rf"|wechat|绿泡泡|绿色软件"
    rf"|(?:加|[+＋])(?:我|个|一下)*[ /]*(?:的)?(?:薇|微|威|徽|[vV][xX]?(?![a-zA-Z]{{0,2}}\b)"
    rf"|[wW][xX]){_HEART}"
    rf"|[微薇威徽](?=\s?[:：]|是[A-Za-z])|(?:卫星|威星|徽星|围脖信)(?=[号:：\s]*[A-Za-z])|[+＋]\s?[vV]{_HEART}"
    rf"|(?<![A-Za-z0-9])[/.]?(?:[vV][/. ]?[xX]|[wW][xX]|[vV](?=\s?[:：]))[/.]?)"
)
_ACCOUNT = r"[A-Za-z][A-Za-z0-9_-]{5,19}|1[3-9]\d{9}"
_WECHAT = re.compile(
    rf"{_WECHAT_WORD}(?P<called>[ ]?(?:号码?|ID|id|账号|帐号|名)?\s*(?:是|为|叫|就是)?{_BREAK})"
    rf"(?P<account>{_ACCOUNT})(?![A-Za-z0-9_-])"
)
_SPACED_WECHAT = re.compile(rf"微\s?信\s?号?\s?[:：]?\s?(?P<account>{_ACCOUNT})(?![A-Za-z0-9_-])")
_SPACED_DIGITS = r"[1-9](?:[ .*·_-]{0,2}\d){4,11}"
_QQ = re.compile(
    r"(?:(?<![A-Za-z])[qQ][ ._·*-]?[qQ]|[扣叩抠蔻口寇] ?[扣叩抠蔻口寇]|秋秋|球球|丘丘|企 ?鹅|🐧"
    r"|腾讯号)(?:号码?|群|号)?"
    rf"[^\d\n，。,;；]{{0,8}}?({_SPACED_DIGITS})(?!\d)"
    rf"|(?:(?<![A-Za-z0-9])[qQ]|[扣叩抠]|企鹅|🐧)\s?(?:号|我|一下|:"
    rf"|：)?\s?[:：]?\s?([1-9](?:[ .*·_-]?\d){{5,10}})(?![\d.])"
)

# No words of going, dwelling and belonging inside a place name: they stand before it.
_HAN = "(?![在住于到是去来往的我他她你从和与及了就])[一-鿿]"
_NUMBER = r"[\dA-Za-z一二三四五六七八九十百零〇]{1,6}"
_HOUSE = rf" ?{_NUMBER} ?(?:号(?!楼?(?:旁|门|球|线|文件|字))|弄|巷)(?:院|之[\d一二三四五六七八九]{{1,3}})?"
_BUILDING = rf" ?{_NUMBER} ?(?:号楼|栋|幢|座|单元|门栋|层|楼|室|房|户|舍)"
_ESTATE = r"(?:小区|花园|公寓|苑|家园|大厦|新村|山庄|宿舍|里|城|府|名都|国际|广场|社区)"
_ROAD = r"(?:大道|大街|路|街|巷|弄|胡同|里|村|屯|道)(?:[东南西北中]段?|[一二三四五六]段)?"
_ADDRESS = re.compile(
    rf"(?:(?:{_HAN}){{2,4}}?(?:省|自治区|市|区|县|州|旗|镇|乡|街道)){{0,5}}(?:"
    rf"(?:{_HAN}){{1,6}}?{_ROAD}(?:{_NUMBER}组)?{_HOUSE}"
    rf"|(?:{_HAN}){{1,6}}?{_ESTATE}[A-Za-z]?{_BUILDING}"
    rf")(?:(?:{_HAN}){{1,6}}?{_ESTATE}(?=[\dA-Za-z一二三四五六七八九十])|{_BUILDING}|{_NUMBER}号"
    rf"| ?\d{{3,4}}(?!\d)|[A-Z](?=座|栋))*"
)
_STREET = re.compile(
    r"\b\d{1,5}[A-Za-z]? (?:[A-Z][a-z]+\.? ){1,4}(?:Rd|Road|St|Street|Ave|Avenue|Lane|Ln|Drive|Dr|Blvd"
    r"|Boulevard|"
    r"Court|Ct|Way|Place|Pl|Close|Terrace|Crescent|Hill|Row|Square)\b\.?(?:,? (?:Apt|Flat|Unit|Suite|No"
    r"|#)\.? ?\w+)?"
    r"|\b(?:Flat|Apt|Apartment|Unit) \w{1,5},? \d{1,5} (?:[A-Z][a-z]+ ){1,4}[A-Z][a-z]+"
)


def qq_numbers(text: str) -> Places:
    """Numbers called QQ, 扣扣, 企鹅 …"""
    for found in _QQ.finditer(digits(text)):
        yield found.span(found.lastindex or 0)


def wechat_ids(text: str) -> Places:
    """Ids called 微信, 薇信, vx, 加我v … (a mobile number counts too)."""
    for pattern in (_WECHAT, _SPACED_WECHAT):
        for found in pattern.finditer(text):
            account = found["account"]
            called = found.groupdict().get("called") or ""
            if re.search(r"[\d_-]", account) or re.search(r"[号是为名:：=]|ID|id", called):
                yield found.span("account")


def addresses(text: str) -> Places:
    """Street addresses with a house number, in Chinese or English."""
    if re.search(r"[号栋弄幢座室舍巷]|单元", text):
        for found in _ADDRESS.finditer(text):
            yield found.span()
    for found in _STREET.finditer(text):
        yield found.span()
