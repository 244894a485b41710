"""Personal data that libraries and checksums recognise: e-mail, cards, IP addresses (presidio), phones
(phonenumbers), Chinese identity cards (GB 11643).

Presidio's recognisers are used one by one, without its engine: no model is loaded or fetched. Its package
is slow to import (it brings torch with it), so it is imported only by a text that could hold a hit. Its
patterns end at ``\\b``, and Chinese characters count as letters there: it is shown the text with every
character outside ASCII blanked, which keeps the offsets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

Places = Iterator[tuple[int, int]]

_EMAIL = re.compile(r"[\w.+-]@[\w-]+\.\w", re.ASCII)
_CARD = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)")
_IP = re.compile(r"(?<![\d.])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\d.])")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_ID_CARD = re.compile(
    r"(?<!\d)[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?![\dA-Za-z])"
)
_LABELLED_ID = re.compile(r"(?:身份证|证件)(?:号码?)?(?:是|为)?[:：]?\s*(\d{17}[\dXx]|\d{15})(?![\dA-Za-z])")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_PHONE = re.compile(
    r"(?<![\d.+-])(?:"
    r"(?:(?:\+|00)?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}"  # mobile
    r"|(?:(?:\+|00)?86[ -]?)?[（(]?0\d{2,3}[）)]?[ -]?\d{7,8}"  # landline with its area code
    r"|\+\d{1,3}[ -]?\d{2,4}(?:[ -]?\d{2,4}){1,3}"  # abroad
    r")(?![\d.]?\d)"
)


def emails(text: str) -> Places:
    """E-mail addresses with a public suffix (presidio's EmailRecognizer)."""
    return _recognised("email", text) if "@" in text and _EMAIL.search(text) else iter(())


def bank_cards(text: str) -> Places:
    """Card numbers of 13 to 19 digits with a Luhn checksum (presidio's CreditCardRecognizer)."""
    return _recognised("bank_card", text) if _CARD.search(text) else iter(())


def ip_addresses(text: str) -> Places:
    """IPv4 addresses (presidio's IpRecognizer)."""
    return _recognised("ip", text) if _IP.search(text) else iter(())


def id_cards(text: str) -> Places:
    """Identity card numbers: right by their checksum, or called so."""
    for found in _ID_CARD.finditer(text):
        if id_card_checks(found[0]):
            yield found.span()
    for found in _LABELLED_ID.finditer(text):
        yield found.span(1)


def id_card_checks(number: str) -> bool:
    """Whether the last of 18 characters is the check character of the others (ISO 7064 MOD 11-2)."""
    total = sum(int(digit) * weight for digit, weight in zip(number[:17], _WEIGHTS, strict=True))
    return "10X98765432"[total % 11] == number[17].upper()


def phones(text: str) -> Places:
    """Mobile and landline numbers that exist in the Chinese plan, and valid numbers from abroad.

    Numbers of services (400, 800, 12355) are nobody's own and stay.
    """
    for found in _PHONE.finditer(text):
        import phonenumbers

        try:
            number = phonenumbers.parse(found[0], "CN")
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            yield found.span()


def _recognised(kind: str, text: str) -> Places:
    recogniser, entity = _recognisers()[kind]
    for hit in recogniser.analyze(_NOT_ASCII.sub(" ", text), [entity]):
        yield hit.start, hit.end


@lru_cache
def _recognisers() -> dict[str, tuple[Any, str]]:
    import tldextract
    from presidio_analyzer.predefined_recognizers import CreditCardRecognizer, EmailRecognizer, IpRecognizer

    # The package's own extractor would fetch the list of public suffixes; this one has it inside.
    suffixes = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)

    class OfflineEmailRecognizer(EmailRecognizer):  # type: ignore[misc]
        def validate_result(self, pattern_text: str) -> bool:
            return bool(suffixes(pattern_text).fqdn)

    return {
        "email": (OfflineEmailRecognizer(), "EMAIL_ADDRESS"),
        "bank_card": (CreditCardRecognizer(), "CREDIT_CARD"),
        "ip": (IpRecognizer(), "IP_ADDRESS"),
    }
