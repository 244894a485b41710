"""Personal data that are numbers: phones (phonenumbers), identity cards (GB 11643), bank cards (Luhn), IP
addresses; and e-mail addresses.

Role: finders over plain text (see ``pii_plain``).
Invariants:
- A number is personal by its check digit, its plan of numbers or a word that calls it so, not by its length.
- A number that counts something (136 2458 1024人) is none.
- Public lines (``public_lines.yaml``) and services (400, 800) are nobody's own and stay.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import yaml

from data_pipeline.cleaning.pii_plain import digits

Places = Iterator[tuple[int, int]]

_GAP = r"[ .*·_/\n-]{0,3}"
_COUNTED = r"(?! ?(?:[人名例元块份个次年岁分条篇家米克斤位只件套本册]|万元|mg|ml|ms|kg|cm|%))"
_CODE_BEFORE = re.compile(
    r"(?:ISBN|ISSN|DOI|编号|订单号?|学号|工号|流水号|CN|批号|专利号?|票房)[^\w]{0,3}$", re.IGNORECASE
)
_ID_CARD = re.compile(
    rf"(?<!\d)[1-9](?:{_GAP}\d){{5}}{_GAP}(?:1{_GAP}[89]|2{_GAP}0)(?:{_GAP}\d){{9}}{_GAP}[\dXx](?![\dA-Za-z])"
)
_LABELLED_ID = re.compile(
    rf"(?:身份证|身分证|证件|护照|通行证|\bID)(?:号码?)?[^\dA-Za-z\n]{{0,8}}"
    rf"(\d(?:{_GAP}\d){{13,16}}(?:{_GAP}[\dXx])?|[A-Z]\d{{6,9}}(?:\([\dA]\))?)(?![\dA-Za-z])"
)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CARD = re.compile(r"(?<![\d.])[2-6]\d{3}(?:[ -]{0,2}\d){11,15}(?![\d.]?\d)")
_CARD_WORD = re.compile(
    r"(?:卡号?|银行|农行|建行|工行|中行|招行|交行|邮储|账号|账户|户头|[Cc]ard|IBAN)[^\d\n]{0,10}$"
)
_EMAIL = re.compile(
    r"[A-Za-z0-9][\w.+-]*@[A-Za-z0-9][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}", re.ASCII
)
_SUFFIX = r"(?:com|cn|net|org|edu|tw|hk|me|io|uk|us|info|cc)"
_HIDDEN_EMAIL = re.compile(
    rf"[A-Za-z0-9][\w.+-]*\s?(?:[(\[{{<]\s?at\s?[)\]}}>]|\bat\b|艾特|#|@|\(a\)|\[a\])\s?[A-Za-z0-9-]+"
    rf"(?:\s?(?:\.|。|\bdot\b|点|[(\[{{]\s?(?:dot|\.)\s?[)\]}}])\s?[A-Za-z0-9-]+)?"
    rf"\s?(?:\.|。|\bdot\b|点|[(\[{{]\s?(?:dot|\.)\s?[)\]}}])\s?{_SUFFIX}\b",
    re.ASCII | re.IGNORECASE,
)
_IP = re.compile(r"(?<![\d.第vV])\d{1,3}(?:\.\d{1,3}){3}(?![\d.]|\s?[节章条版款项页])")
_IP_WORD = re.compile(r"(?:\bIP|网络地址|服务器|登录|主机)[^\d]{0,10}$", re.IGNORECASE)
_MOBILE = re.compile(
    rf"(?<![\d.A-Za-z])(?:(?:\+|00)?86{_GAP})?1{_GAP}[3-9oO](?:{_GAP}[\doO]){{9}}(?![\d.]?\d){_COUNTED}"
)
_PHONE = re.compile(
    r"(?<![\d.+/-])(?:"
    r"(?:(?:\+|00)?86[ -]?)?\(?0\d{2,3}\)?[ -]?\d{3,4}[ -]?\d{4}"  # landline with its area code
    r"|0?9\d{2}[ -]?\d{3}[ -]?\d{3}|07\d{3}[ -]?\d{6}|\(?[2-9]\d{2}\)?[ .-]\d{3}[ .-]\d{4}"  # TW, UK, US
    r"|\+\d{1,3}[ -]?\(?\d{1,4}\)?(?:[ -]?\d{2,4}){1,4}"  # abroad
    rf")(?![\d.-]?\d){_COUNTED}"
)
_LABELLED_PHONE = re.compile(
    r"(?:电话|手机|联系方式|号码|致电|回电|(?:\bcall|\btext|\bphone|\btel"
    r"|WhatsApp)\b)[^\d\n+]{0,6}(\d(?:[ -]?\d){6,11})(?![\d.]?\d)" + _COUNTED,
    re.IGNORECASE,
)
_HOTLINE = re.compile(r"热线|专线|援助|服务台|hotline|helpline|lifeline", re.IGNORECASE)


def emails(text: str) -> Places:
    """E-mail addresses, also those that hide their signs: name(at)qq.com, name at outlook dot com."""
    if "@" in text:
        for found in _EMAIL.finditer(text):
            yield found.span()
    if re.search(r"\bat\b|艾特|@|#|\(a\)|\[a\]", text, re.IGNORECASE):
        for found in _HIDDEN_EMAIL.finditer(text):
            yield found.span()


def bank_cards(text: str) -> Places:
    """Card numbers: of 16 to 19 digits with a Luhn checksum, or called so."""
    for found in _CARD.finditer(text):
        bare = re.sub(r"\D", "", found[0])
        before = text[max(0, found.start() - 14) : found.start()]
        if _CODE_BEFORE.search(before) or not 16 <= len(bare) <= 19:
            continue
        if luhn_checks(bare) or _CARD_WORD.search(before):
            yield found.span()


def ip_addresses(text: str) -> Places:
    """IPv4 addresses: with a part of three digits, or called so. 4.2.1.3 alone is a section."""
    for found in _IP.finditer(text):
        try:
            ipaddress.IPv4Address(found[0])
        except ValueError:
            continue
        long = any(len(part) == 3 for part in found[0].split("."))
        if long or _IP_WORD.search(text[max(0, found.start() - 14) : found.start()]):
            yield found.span()


def id_cards(text: str) -> Places:
    """Identity card numbers, in groups or not: right by their checksum, or called so."""
    for found in _ID_CARD.finditer(text):
        if id_card_checks(re.sub(r"[^\dXx]", "", found[0])):
            yield found.span()
    for found in _LABELLED_ID.finditer(text):
        yield found.span(1)


def id_card_checks(number: str) -> bool:
    """Whether the last of 18 characters is the check character of the others (ISO 7064 MOD 11-2)."""
    total = sum(int(digit) * weight for digit, weight in zip(number[:17], _WEIGHTS, strict=True))
    return "10X98765432"[total % 11] == number[17].upper()


def luhn_checks(number: str) -> bool:
    """Whether a number of digits has a right last one (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(map(int, reversed(number))):
        doubled = digit * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def phones(text: str) -> Places:
    """Mobile numbers, in digits of any spelling and grouping; landlines and foreign numbers that exist."""
    for found in _MOBILE.finditer(digits(text)):
        bare = re.sub(r"\D", "", found[0].replace("o", "0").replace("O", "0"))
        if bare[-11] == "1" and bare[-10] in "3456789" and not _counts(text, found.start()):
            yield found.span()
    for found in _PHONE.finditer(text):
        if _exists(found[0]) and not _is_public(text, found.start(), found[0]):
            yield found.span()
    for found in _LABELLED_PHONE.finditer(text):
        if not _is_public(text, found.start(), found[1]) and not found[1].startswith(("400", "800")):
            yield found.span(1)


def _counts(text: str, start: int) -> bool:
    return bool(_CODE_BEFORE.search(text[max(0, start - 8) : start]))


def _exists(number: str) -> bool:
    import phonenumbers

    for region in ("CN", "TW", "GB", "US"):
        try:
            if phonenumbers.is_valid_number(phonenumbers.parse(number, region)):
                return True
        except phonenumbers.NumberParseException:
            continue
    return False


def _is_public(text: str, start: int, number: str) -> bool:
    """Whether anybody may call it: it is on the list, or its clause calls it a hotline."""
    bare = re.sub(r"\D", "", number)
    if bare in _public_lines() or f"0{bare}" in _public_lines():
        return True
    clause = re.split(r"[。！？!?;；\n]", text[:start])[-1]
    return bool(_HOTLINE.search(clause)) and "我" not in clause[-12:]


@lru_cache
def _public_lines() -> frozenset[str]:
    tree = yaml.safe_load(Path(__file__).with_name("public_lines.yaml").read_text("utf-8"))
    return frozenset(number for numbers in tree.values() for number in numbers)
