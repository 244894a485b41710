"""One spelling of characters: NFKC where it is harmless, CJK-radical look-alikes, no invisible characters.

Collaborators: the look-alike table is that of the rewards, so that texts and golds fold alike.
Invariants:
- Idempotent.
- Chinese punctuation, which NFKC alone would turn into ASCII, stays as it is.
- So does every character that NFKC would make part of its neighbour, or rob of its meaning: ① beside 5岁
  would become 15岁, 10³ 103, ½ 1⁄2, ㎡ m2, ¯ a blank with an accent.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from rewards.text.canonical import LOOK_ALIKES

KEPT = "，。：；？！（）“”‘’【】《》、…—～［］"
_MEANING = ("<circle>", "<super>", "<sub>", "<fraction>")  # compatibility forms that say more than their base
_NUMBERS = ("No", "Nl")  # categories of ⑴, ⒈, ㈠ and Ⅳ; the digits of full width are Nd
_LAST = 0x20000  # beyond it there are compatibility ideographs only
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u00ad\x00-\x08\x0e-\x1f\x7f]")
_BLANKS = re.compile(r"[^\S\n ]+[^\S\n]*| [^\S\n]+")


def nfkc(text: str) -> str:
    """Compatibility forms as plain characters where that is harmless: Ａ as A, ⼥ as 女, ㎝ as cm."""
    if unicodedata.is_normalized("NFKC", text):
        return text
    return _foldable().sub(lambda run: unicodedata.normalize("NFKC", run[0]), text)


def look_alikes(text: str) -> str:
    """Characters of the CJK Radicals Supplement as the ideographs they look like."""
    return text.translate(LOOK_ALIKES)


def invisible(text: str) -> str:
    """No control, zero-width or direction characters; one kind of line end; each run of blanks as a space."""
    return _BLANKS.sub(" ", _INVISIBLE.sub("", _LINE_ENDS.sub("\n", text))).strip()


def fold(text: str) -> str:
    """All three. Lengths change: what must be found again in its source is recorded before."""
    return invisible(look_alikes(nfkc(invisible(text))))


def keeps(character: str) -> bool:
    """Whether NFKC would harm a text by folding this character."""
    folded = unicodedata.normalize("NFKC", character)
    if folded == character:
        return False
    if character in KEPT or unicodedata.category(character) in _NUMBERS:
        return True
    if unicodedata.decomposition(character).startswith(_MEANING):
        return True
    accent = folded[0] == " " and not character.isspace()
    return accent or (any(c.isdigit() for c in folded) and unicodedata.category(character) != "Nd")


@lru_cache
def _foldable() -> re.Pattern[str]:
    """Runs of characters that may be folded together."""
    kept = (chr(code) for code in range(_LAST) if keeps(chr(code)))
    return re.compile(f"[^{re.escape(''.join(kept))}]+")
