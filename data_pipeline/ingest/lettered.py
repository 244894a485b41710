"""Options inside a text: "…包括（ ）A.识记 B.保持", "<choices> a. … b. …", lines that begin with letters.

Invariants:
- Letters run from A without a gap; the longest such run counts, of equal ones the last.
- What follows the options (答案：B) belongs to neither.

    >>> split_lettered("下列属于记忆的有（ ）\\nA. 识记\\nB. 保持\\n答案：A")
    Lettered(stem='下列属于记忆的有（ ）', options=('识记', '保持'), after='答案：A')
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from psyche_rl.records import LETTERS

_MARKS = (
    re.compile(
        r"(?<![A-Za-z0-9])[(（\[【]?(?P<letter>[A-Ha-h])\s*[.．、:：)）\]】](?![A-Ha-h][.．、:：)）])"
    ),
    re.compile(r"^[^\S\n]*[(（\[【]?(?P<letter>[A-Ha-h])[)）\]】]?(?:[^\S\n]+|(?=[一-鿿]))", re.MULTILINE),
)
_AFTER = re.compile(
    r"(?:\n|\s{2,}|(?<=[。；;]))\s*(?:正确|参考|标准)?(?:答案|解析|分析|Answer)\s*(?:是|为)?\s*[:：]",
    re.IGNORECASE,
)
_CHOICES = re.compile(r"\s*(?:<choices>|选项\s*[:：]|options?\s*:|choices?\s*:)\s*\Z", re.IGNORECASE)


@dataclass(frozen=True)
class Lettered:
    """A text apart: the stem, its options without letters, and what stands after them."""

    stem: str
    options: tuple[str, ...]
    after: str = ""


def split_lettered(text: str) -> Lettered | None:
    """The stem and the options of a text, or None where there are no two options in a row."""
    for pattern in _MARKS:
        runs = list(_runs(text, pattern))
        if runs:
            return _apart(text, max(reversed(runs), key=len))
    return None


def _runs(text: str, pattern: re.Pattern[str]) -> Iterator[list[re.Match[str]]]:
    """Marks A, B, … of one case in a row, two at least; other letters between them do not count."""
    marks = list(pattern.finditer(text))
    for place, first in enumerate(marks):
        if first["letter"] not in "Aa":
            continue
        run = [first]
        for mark in marks[place + 1 :]:
            wanted = LETTERS[len(run)]
            if mark["letter"] == (wanted if first["letter"] == "A" else wanted.lower()):
                run.append(mark)
        if len(run) > 1 and all(text[a.end() : b.start()].strip() for a, b in pairwise(run)):
            yield run


def _apart(text: str, run: list[re.Match[str]]) -> Lettered:
    found = _AFTER.search(text, run[-1].end())
    end = len(text) if found is None else found.start()
    ends = [mark.start() for mark in run[1:]] + [end]
    options = tuple(text[mark.end() : stop].strip() for mark, stop in zip(run, ends, strict=True))
    if all(option.endswith((";", "；", ",", "，")) for option in options[:-1]):  # what parts them
        options = tuple(option.rstrip(";；,，") for option in options)
    return Lettered(_CHOICES.sub("", text[: run[0].start()]).strip(), options, text[end:].strip())
