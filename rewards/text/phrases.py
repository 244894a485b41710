"""When two spellings are one phrase: the same letters, digits and ideographs.

>>> phrase_key("内隐 记忆。") == phrase_key("「内隐记忆」"), phrase_key("ＡＢＣ theory")
(True, 'abctheory')
"""

from __future__ import annotations

import re

from rewards.text.canonical import canonical_text

_NOT_WORD = re.compile(r"[\W_]+")


def phrase_key(text: str) -> str:
    """What the spellings of one phrase share: its letters, digits and ideographs, case folded."""
    return _NOT_WORD.sub("", canonical_text(text)).casefold()
