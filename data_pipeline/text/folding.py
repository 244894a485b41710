"""One spelling of characters: NFKC, CJK-radical look-alikes, no invisible characters.

Collaborators: the look-alike table is that of the rewards, so that texts and golds fold alike.
Invariants:
- Idempotent.
- Chinese punctuation, which NFKC alone would turn into ASCII, stays as it is.
"""

from __future__ import annotations

import re
import unicodedata

from rewards.text.canonical import LOOK_ALIKES

KEPT = "，。：；？！（）“”‘’【】《》、…—～［］"
_RUN = re.compile(f"[^{KEPT}]+")
_INVISIBLE = re.compile("[\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\u00ad\x00-\x08\x0b-\x1f\x7f]")
_BLANKS = re.compile(r"[^\S\n ]+[^\S\n]*| [^\S\n]+")


def nfkc(text: str) -> str:
    """Compatibility forms as plain characters: Ａ as A, ⼥ as 女, ㎝ as cm."""
    return _RUN.sub(lambda run: unicodedata.normalize("NFKC", run[0]), text)


def look_alikes(text: str) -> str:
    """Characters of the CJK Radicals Supplement as the ideographs they look like."""
    return text.translate(LOOK_ALIKES)


def invisible(text: str) -> str:
    """No control, zero-width or direction characters; each run of blanks as one space."""
    return _BLANKS.sub(" ", _INVISIBLE.sub("", text)).strip()


def fold(text: str) -> str:
    """All three. Lengths change: what must be found again in its source is recorded before."""
    return invisible(look_alikes(nfkc(invisible(text))))
