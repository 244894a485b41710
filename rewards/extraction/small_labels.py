"""Small letters before their options' own texts, written as capitals: ``b) Permissive``, ``(c)升华``.

Collaborators: ``reply_rules`` asks it before a reply is folded, so that every rule reads such a letter.
Invariants:
- No character is added or taken: offsets in the reply stay what they are.
- A letter beside another option's text, or without a bracket or stop after it, stays small (``a token``).
"""

from __future__ import annotations

import re

from rewards.extraction.options import OptionTable

_SMALL = re.compile(r"[)）.:：、](?<=[a-h].)(?<![A-Za-z0-9'’.][a-h].)[ *_]{0,4}")
"""What stands after a small letter that is alone; the rare signs are looked for, not the letters."""


_NAMED = re.compile(r"(?:选项|\b[Oo]ption) ?(?:[b-h]|(?<=项)a|(?<=项 )a)(?![A-Za-z'])")
"""A small letter after the word option: ``选项c``; ``option a`` may be the article."""


def with_large_labels(said: str, table: OptionTable) -> str:
    """The reply with the small letters that label their own options' texts as capitals."""
    if not table.closed:
        return said
    said = _NAMED.sub(lambda one: one[0][:-1] + one[0][-1].upper(), said)
    pieces: list[str] = []
    at = 0
    for label in _SMALL.finditer(said):
        letter, begin = said[label.start() - 1].upper(), label.end()
        own = table.texts.get(letter)
        if own and said[begin : begin + len(own)].casefold() == own.casefold():
            pieces += said[at : label.start() - 1], letter
            at = label.start()
    return "".join([*pieces, said[at:]]) if pieces else said
