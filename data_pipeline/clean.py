"""Cleaning of source text by the paper's rules (section 3.1): no emoji, no redundancy, one punctuation,
no advertisements or links.

Collaborators: ``ingest`` folds what it compares with :func:`fold`; the synth stage maps
:func:`clean_block` over passages and posts.
Invariants: every function is idempotent; :func:`fold` keeps Chinese punctuation as it is, which NFKC
alone would turn into ASCII.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

import pyarrow as pa

from data_pipeline.outcomes import to_outcomes
from psyche_rl.records import Passage, Quarantined, content_id
from rewards.canonical import LOOK_ALIKES

SHORTEST_PASSAGE = 10  # characters; below that no question can rest on it

_KEPT = "，。：；？！（）“”‘’【】《》、…—～"
_CJK = r"\u3400-\u4dbf\u4e00-\u9fff"
_FULL_WIDTH = str.maketrans({",": "，", ";": "；", ":": "：", "?": "？", "!": "！"})
_LINK = re.compile(r"(?:https?://|www\.)[^\s，。；！？（）]+|[\w.+-]+@[\w-]+\.[\w.]+", re.ASCII)
_ADVERT = re.compile(
    r"加微信|微信号|扫码|扫描二维码|公众号|点击(?:链接|购买|关注)|优惠券|免费领取|QQ群|客服热线|转载请注明|版权所有|关注我们"
)
_EMOJI = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\ufe0e\ufe0f\u200d\u20e3\U000e0020-\U000e007f]"
    r"|\[[一-鿿]{1,3}\](?=\s|$|[^\w])"
)
_INVISIBLE = re.compile("[\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\u00ad\x00-\x08\x0b-\x1f\x7f]")
_SENTENCE = re.compile(r"[^。！？!?\n]*(?:[。！？!?]+|\n|$)")


def fold(text: str) -> str:
    """NFKC and look-alike ideographs, without touching Chinese punctuation; invisible characters and odd
    spaces go."""
    folded = "".join(c if c in _KEPT else unicodedata.normalize("NFKC", c) for c in text).translate(
        LOOK_ALIKES
    )
    return re.sub(r"[^\S\n]+", " ", _INVISIBLE.sub("", folded)).strip()


def clean_text(text: str) -> str:
    """A text by all rules of the paper; may come out empty."""
    before = None
    while text != before:  # what one rule takes out can bring together what another looks for
        before = text
        text = _EMOJI.sub("", fold(text))
        text = _LINK.sub("", _without_adverts(text))
        text = _one_punctuation(_tidy_space(text))
    return text


def clean_passage(passage: Passage) -> Passage | Quarantined:
    """The passage with clean text and the content id of it, or why there is nothing left."""
    text = clean_text(passage.text)
    if len(text) < SHORTEST_PASSAGE:
        reason = f"{len(text)} characters left after cleaning; a passage needs {SHORTEST_PASSAGE}"
        return Quarantined(
            stage="clean", source=passage.source, row=passage.row, reason=reason, content=passage.text
        )
    title = clean_text(passage.title) if passage.title else None
    return passage.model_copy(
        update={"id": content_id("passage", text), "text": text, "title": title or None}
    )


def clean_block(block: pa.Table) -> pa.Table:
    """Ray Data: a block of passages, cleaned."""
    return to_outcomes(
        (clean_passage(passage) for passage in Passage.from_table(block)), (Passage, Quarantined)
    )


def without_repeats(passages: Iterable[Passage]) -> list[Passage]:
    """The first of each text (exact redundancy; near-duplicates are another stage's matter)."""
    return list({passage.id: passage for passage in reversed(list(passages))}.values())[::-1]


def _without_adverts(text: str) -> str:
    """The text without sentences that advertise."""
    return "".join(part for part in _SENTENCE.findall(text) if not _ADVERT.search(part))


def _one_punctuation(text: str) -> str:
    """Chinese marks after Chinese characters, and each mark once."""
    text = re.sub(rf"(?<=[{_CJK}”）》])\s*[,;:?!]", lambda m: m[0].strip().translate(_FULL_WIDTH), text)
    text = re.sub(rf"(?<=[{_CJK}”）》])\.(?![A-Za-z0-9_.])", "。", text)
    text = re.sub(rf"\((?=[{_CJK}])|(?<=[{_CJK}])\(", "（", text)
    text = re.sub(rf"(?<=[{_CJK}。！？])\)", "）", text)
    text = re.sub(r"(（[^（()）]*)\)", r"\1）", text)
    text = re.sub(r"\.{3,}|。{3,}|…{3,}|(?<!…)…(?!…)", "……", text)
    text = re.sub(r"—{3,}|-{3,}", "——", text)
    text = re.sub(r"～{2,}", "～", text)
    return re.sub(r"([，。：；？！、,;:?!])\1+", r"\1", text)


def _tidy_space(text: str) -> str:
    """No space or line break inside Chinese sentences; paragraphs stay apart."""
    near = rf"[{_CJK}，。：；？！（）“”‘’【】《》、…—]"
    text = re.sub(r"[^\S\n]*\n\s*\n\s*", "\n\n", text)
    text = re.sub(rf"(?<={near})[^\S\n]*(?<!\n)\n(?!\n)[^\S\n]*(?={near})", "", text)
    text = re.sub(rf"(?<={near})[^\S\n]+(?=\S)|(?<=\S)[^\S\n]+(?={near})", "", text)
    return text.strip()
