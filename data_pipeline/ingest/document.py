"""What a reader makes of a file: one text, its headings, and where its pages or chapters begin."""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass

from data_pipeline.ingest.chunks import Heading

_TXT_HEADING = re.compile(
    r"^(?:#{1,6}[^\S\n]*(?P<sharp>[^\n]+?)[^\S\n]*#*"
    r"|(?P<chapter>[^\S\n]*第[一二三四五六七八九十百零〇\d]{1,4}[章节篇编部讲课](?![^\n]{40})[^\n。！？；，]*))$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class MissingPart:
    """What of a file is not in its text: the page or chapter, from 1, why, and what was left of it."""

    part: int
    reason: str
    text: str = ""


@dataclass(frozen=True)
class Document:
    """A text; ``parts`` are the offsets at which its pages or chapters begin."""

    text: str
    headings: tuple[Heading, ...] = ()
    parts: tuple[int, ...] = (0,)
    licence: str | None = None
    missing: tuple[MissingPart, ...] = ()

    def part_of(self, offset: int) -> int:
        """The page or chapter, from 1, in which an offset lies."""
        return max(1, bisect.bisect_right(self.parts, offset))


def headings_of_plain_text(text: str) -> tuple[Heading, ...]:
    """Lines such as ``# 记忆`` and ``第二章 记忆``."""
    return tuple(
        Heading(found.start(), found.end(), (found["sharp"] or found["chapter"]).strip())
        for found in _TXT_HEADING.finditer(text)
    )
