"""Personal data as typed placeholders: 我的电话是13800138000 becomes 我的电话是［电话］.

Role: which kinds there are, in which order they are looked for, and the replacement.
Collaborators: ``pii_numbers`` (checksums and plans of numbers), ``pii_words`` (accounts, addresses) and
``pii_names`` find places in the text as ``pii_plain`` spells it, which is as long.
Invariants:
- Idempotent (no placeholder holds personal data).
- Of two hits on one place the earlier kind in :data:`FINDERS` counts.
- A text without a digit, an ``@`` or a word that marks a name costs a few searches and no dictionary.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from data_pipeline.cleaning.pii_names import names
from data_pipeline.cleaning.pii_numbers import bank_cards, emails, id_cards, ip_addresses, phones
from data_pipeline.cleaning.pii_plain import plain
from data_pipeline.cleaning.pii_words import addresses, qq_numbers, wechat_ids

Finder = Callable[[str], Iterable[tuple[int, int]]]
FINDERS: dict[str, Finder] = {
    "email": emails,
    "id_card": id_cards,
    "bank_card": bank_cards,
    "wechat": wechat_ids,
    "qq": qq_numbers,
    "phone": phones,
    "ip": ip_addresses,
    "address": addresses,
    "name": names,
}
"""Kind -> what finds its places, (start, end) in characters."""
PLACEHOLDERS = {
    "phone": "［电话］",
    "email": "［邮箱］",
    "id_card": "［证件号］",
    "bank_card": "［卡号］",
    "ip": "［网络地址］",
    "qq": "［QQ］",
    "wechat": "［微信］",
    "name": "［姓名］",
    "address": "［地址］",
}


@dataclass(frozen=True)
class PiiHit:
    """Personal data of one kind at text[start:end]."""

    kind: str
    start: int
    end: int


def find(text: str, kinds: Sequence[str] = tuple(FINDERS)) -> list[PiiHit]:
    """The hits in the order of the text, none overlapping another."""
    hits: list[PiiHit] = []
    text = plain(text)
    for kind, finder in FINDERS.items():
        if kind in kinds:
            for start, end in finder(text):
                if all(end <= hit.start or hit.end <= start for hit in hits):
                    hits.append(PiiHit(kind, start, end))
    return sorted(hits, key=lambda hit: hit.start)


def redact(text: str, kinds: Sequence[str] = tuple(FINDERS)) -> tuple[str, Counter[str]]:
    """The text with placeholders, and how many of each kind."""
    hits = find(text, kinds)
    for hit in reversed(hits):
        text = text[: hit.start] + PLACEHOLDERS[hit.kind] + text[hit.end :]
    return text, Counter(hit.kind for hit in hits)
