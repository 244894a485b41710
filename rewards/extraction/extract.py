"""The rules of extraction in their order.

1. Only text after the last closed think block counts; an unclosed one means no answer.
2. An explicit statement beats a bare letter; the last one wins (``statements.py``).
3. Without one, a reply or its first or last lines made of option letters only (``bare.py``),
4. or a reply that equals option texts.

Hedges (A或B) are ambiguous; a letter that the options lack is out of range; neither is an answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rewards.extraction.aligned import aligned
from rewards.extraction.bare import bare_answer, texts_answer
from rewards.extraction.options import option_table
from rewards.extraction.reading import Extraction, Reading, Rule
from rewards.extraction.statements import stated_answer

_THINK = re.compile(r"<\s*(/?)\s*think\s*>", re.IGNORECASE)


def extract_answer(text: str, options: Sequence[str]) -> Extraction:
    """The option letters that a reply commits to.

    ``options`` are the option texts without letters; with none given every letter counts as existing.
    Never raises, whatever the text.
    """
    start = answer_start(text)
    if start is None:
        return Extraction(None, None, "think_unclosed")
    reply = aligned(text[start:])
    table = option_table(tuple(options))
    stated = stated_answer(reply, 0, table)
    if stated is None:
        bare = bare_answer(reply, 0, table)
        if bare is not None:
            stated = _extraction(bare, "letters")
        elif (texts := texts_answer(reply, 0, len(reply), table)) is not None:
            stated = _extraction(texts, "option_text")
        else:
            return Extraction(None, None, "none")
    if stated.span is None or not start:
        return stated
    return stated._replace(span=(stated.span[0] + start, stated.span[1] + start))


def answer_start(text: str) -> int | None:
    """Where the text after the last closed think block begins; None inside an unclosed one."""
    start = 0
    for tag in _THINK.finditer(text):
        start = tag.end() if tag[1] else -1
    return start if start >= 0 else None


def _extraction(reading: Reading, rule: Rule) -> Extraction:
    span = reading.start, reading.end
    if reading.trouble:
        return Extraction(None, span, reading.trouble)
    return Extraction("".join(sorted(set(reading.letters))), span, rule)
