"""One spelling for texts and gold keys, so that equal answers compare equal.

Chinese exam files hold CJK-radical look-alikes (⼥ U+2F25 for 女), full-width letters and exotic
spaces. NFKC folds most of them; the table below adds the whole characters of the CJK Radicals
Supplement that NFKC leaves alone (Unicode's EquivalentUnifiedIdeograph.txt).

    >>> from rewards.text.canonical import canonical_gold, canonical_text
    >>> canonical_text("⼥性　Ａ")
    '女性 A'
    >>> canonical_gold("B、A ")
    'AB'
    >>> canonical_gold("Ⓑ、А")  # the А is Cyrillic
    'AB'
    >>> canonical_gold("E", n_options=4)
    Traceback (most recent call last):
    ...
    ValueError: gold 'E' names E, but there are 4 options
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_RADICALS = "⺁⺌⺍⺒⺓⺝⺜⺠⺧⺩⺫⺬⺶⺼⻁⻄⻅⻆⻉⻋⻑⻓⻔⻗⻘⻙⻚⻛⻜⻝⻢⻣⻤⻥⻦⻧⻨⻩⻪⻫⻬⻭⻮⻯⻰⻱⻲"
_UNIFIED = "厂小小巳幺月日民牛王目示羊肉虎西见角贝车長长门雨青韦页风飞食马骨鬼鱼鸟卤麦黄黾斉齐歯齿竜龙龜亀"
LOOK_ALIKES = dict(zip(map(ord, _RADICALS), _UNIFIED, strict=True))
"""Code point -> the ideograph it looks like; only those that NFKC does not fold."""

LETTER_LOOK_ALIKES = {
    **dict(zip(map(ord, "АВСЕНІЈКМОРЅТХаеорсхіѕј"), "ABCEHIJKMOPSTXaeopcxisj", strict=True)),
    **dict(zip(map(ord, "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ"), "ABEZHIKMNOPTYX", strict=True)),
    **{
        first + at: LETTERS[at]
        for first in (0x249C, 0x24B6, 0x24D0, 0x1F110, 0x1F130, 0x1F150, 0x1F170, 0x1F1E6)
        for at in range(26)
    },
}
"""Cyrillic and Greek capitals (and Cyrillic small letters), and lettered symbols: ⒜ Ⓐ ⓐ 🄐 🄰 🅐 🅰 🇦.

For option letters only: in running text a Greek or Cyrillic letter is itself.
"""

_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
_BLANK = re.compile(r"[^\S\n]+")
_GOLD_SEPARATORS = re.compile(r"[\s、,;/|.·&+()\[\]【】和与及]+")


def canonical_text(text: str) -> str:
    """NFKC, look-alikes folded, invisible characters dropped, runs of blanks as one space."""
    folded = unicodedata.normalize("NFKC", text).translate(LOOK_ALIKES).translate(_INVISIBLE)
    return _BLANK.sub(" ", folded).strip()


@lru_cache(maxsize=65536)
def canonical_gold(gold: str, n_options: int | None = None) -> str:
    """A gold key as sorted letters without repeats: ``"B、A "`` is ``"AB"``.

    Raises:
        ValueError: the key is empty, is not made of letters, or names an option that does not exist.
    """
    letters = _GOLD_SEPARATORS.sub("", canonical_text(gold.translate(LETTER_LOOK_ALIKES))).upper()
    if not letters:
        raise ValueError(f"gold {gold!r} is empty")
    if any(letter not in LETTERS for letter in letters):
        raise ValueError(f"gold {gold!r} is not made of option letters")
    if n_options is not None:
        lacking = sorted(set(letters) - set(LETTERS[:n_options]))
        if lacking:
            raise ValueError(f"gold {gold!r} names {''.join(lacking)}, but there are {n_options} options")
    return "".join(sorted(set(letters)))
