"""Which language a text is in.

Text that is mostly Han characters without kana is Chinese; only the rest is asked of py3langid (97
languages, its model comes with the package), which takes Chinese with a few Latin names for other languages
now and then and costs more than a count.
"""

from __future__ import annotations

import re

_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_KANA = re.compile(r"[\u3040-\u30ff]")
_HANGUL = re.compile(r"[\uac00-\ud7a3]")
_LATIN_WORD = re.compile(r"[A-Za-z\u00c0-\u024f]+")
KANA_SHARE = 0.05  # of Han and kana; Japanese prose has about half, a Chinese text at most a quoted の


def language_of(text: str) -> str:
    """ISO 639-1 code of the text's main language; "und" where there is nothing to tell it by."""
    han, kana = len(_HAN.findall(text)), len(_KANA.findall(text))
    if kana and kana >= KANA_SHARE * (han + kana):
        return "ja"
    words = len(_LATIN_WORD.findall(text))
    if han and han >= words and not _HANGUL.search(text):
        return "zh"
    if not any(character.isalpha() for character in text):
        return "und"
    from py3langid import classify

    return str(classify(text)[0])
