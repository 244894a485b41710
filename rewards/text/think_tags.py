"""The tags that a reasoning model puts around its draft, and what of a reply they leave.

One definition for everything that reads replies: answer extraction, the format reward, the reader of JSON,
rationales, dialogues. Invariants:

- ``<think>`` and ``<thinking>`` in any case, with attributes and stray blanks, are tags; ``<think/>`` is a
  block without content.
- The last tag decides: what stands after the last closed block is the answer, also where the chat template
  had opened the block; in a block that is never closed there is none.
- docs/rewards.md has a table of all shapes of replies, which a test walks over every reader.

    >>> text = '<Thinking mode="deep">也许是 C</Thinking>故选B。'
    >>> text[answer_start(text):], answer_start("<think>还没想完")
    ('故选B。', None)
    >>> think_blocks(text)
    ['也许是 C']
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

OPEN, CLOSE = "<think>", "</think>"
"""The tags of the paper's template, which our prompts ask for."""

# No part matches a "<", so that a text of many half tags takes linear time.
_ATTRIBUTES = r"""\s(?:[^<>"']|"[^"<]{0,100}"|'[^'<]{0,100}'){0,200}"""
THINK_TAG = re.compile(rf"<\s{{0,3}}(/?)\s{{0,3}}think(?:ing)?(?:{_ATTRIBUTES})?/?>", re.IGNORECASE)


class Tag(NamedTuple):
    """A tag and its place; after one that does not ``end`` a block there is a draft."""

    start: int
    end: int
    ends: bool


def tag_of(found: re.Match[str]) -> Tag:
    """The tag that :data:`THINK_TAG` found."""
    return Tag(found.start(), found.end(), bool(found[1]) or found[0].endswith("/>"))


def think_tags(text: str, start: int = 0) -> Iterator[Tag]:
    """The tags of a text from ``start`` on, in order."""
    return map(tag_of, THINK_TAG.finditer(text, start))


def answer_start(text: str) -> int | None:
    """Where the text after the last closed think block begins; None inside an unclosed one."""
    start: int | None = 0
    for tag in think_tags(text):
        start = tag.end if tag.ends else None
    return start


def think_blocks(text: str) -> list[str]:
    """What stands in each closed block, without tags."""
    blocks, open_at = [], None
    for tag in think_tags(text):
        if tag.ends and open_at is not None:
            blocks.append(text[open_at : tag.start])
        open_at = None if tag.ends else tag.end
    return blocks
