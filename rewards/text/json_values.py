"""The JSON that a chat reply gives as its answer, whatever a model wrote around it.

Role: the one reader of JSON in replies, for teachers (``psyche_rl.llm.json_reply``) and judges alike; pure.
Collaborators: ``think_tags`` says what a draft is; ``json_syntax`` reads one value.
Invariants:

- Only what stands after the last closed think block is taken, as everywhere (``think_tags``): not the draft,
  nor what stands before it. In a block that is never closed there is nothing. A tag inside a JSON string is
  the string's.
- Where there are code fences with JSON, only they count.
- ``根据原文[1]：`` is a reference, not a value. So is every list of mere numbers amid words.
- JSON that is cut off is an error, and so is JSON on lines of its own that is broken: rows are not lost
  silently. Broken scraps amid words are words.

    >>> reply = '<think>原文[1]说…</think>根据原文[1]：\\n{"gold": "A",}\\n{"gold": "B"}'
    >>> [found.value for found in json_values(reply)]
    [{'gold': 'A'}, {'gold': 'B'}]
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from rewards.text.json_syntax import BrokenJsonError, looks_like_json, read_value
from rewards.text.think_tags import THINK_TAG, tag_of, think_tags

FENCE = "```"
_MARK = re.compile(rf"{THINK_TAG.pattern}|{FENCE}|[\[{{]", re.IGNORECASE)
_BREAK = re.compile(rf"{THINK_TAG.pattern}|{FENCE}", re.IGNORECASE)
_BRACKETS = re.compile(r"(?:\[\s*)++")
_BULLET = re.compile(r"\s*(?:[-*•]|\d{1,3}[.、)）])?\s*")
_BETWEEN = re.compile(r"[\s,，;；、]*")
MOST_FAULTS = 20
"""Broken values after which a reply is given up: each may be read to its end."""
_ENDS_LINE = re.compile(r"[ \t。.]*(?:\r?\n|$)")
_ANNOUNCED = re.compile(r"[:：=]\s{0,3}$")


@dataclass(frozen=True, slots=True)
class FoundValue:
    """An object or a list. ``stands``: it begins a line, or stands in a fence."""

    value: Any
    stands: bool
    is_fenced: bool


@dataclass(frozen=True, slots=True)
class _Fault:
    """What looks like JSON and cannot be read; ``counts`` unless it may be a scrap amid words."""

    error: BrokenJsonError
    counts: bool
    is_fenced: bool


@dataclass
class _Stretch:
    """What was found since the last think block."""

    found: list[FoundValue] = field(default_factory=list)
    faults: list[_Fault] = field(default_factory=list)
    is_fenced: bool = False
    read_to: int | None = None

    def note(self, error: BrokenJsonError, counts: bool) -> None:
        """Keep a fault; of those that do not count the first is enough."""
        if counts or not self.faults:
            self.faults.append(_Fault(error, counts, self.is_fenced))

    def values(self) -> list[FoundValue]:
        """What counts; raises the fault that does."""
        fenced = [each for each in self.found if each.is_fenced]
        fenced_faults = [fault for fault in self.faults if fault.is_fenced and fault.counts]
        if fenced or fenced_faults:
            return _unless(fenced_faults, fenced)
        return _unless([f for f in self.faults if f.counts or not self.found], self.found)


def json_values(reply: str) -> list[FoundValue]:
    """The objects and lists that a reply answers with, in order; at least one.

    Raises:
        BrokenJsonError (a ValueError): there is none, or it is cut off or broken.
    """
    here, at = _Stretch(), 0
    while mark := _MARK.search(reply, at):
        at = mark.end()
        if mark[0] == FENCE:
            here.is_fenced = not here.is_fenced
        elif mark[0].startswith("<"):
            if not tag_of(mark).ends:
                close = next((later for later in think_tags(reply, at) if later.ends), None)
                if close is None:
                    raise BrokenJsonError("no JSON in the reply: its think block is never closed")
                at = close.end
            here = _Stretch()
        else:
            at = _take(reply, mark.start(), here)
    if here.found or here.faults:
        return here.values()
    raise BrokenJsonError("no JSON in the reply")


def _take(reply: str, at: int, here: _Stretch) -> int:
    """Enter the value or the fault that begins at a bracket; where to read on."""
    line = reply.rfind("\n", 0, at) + 1
    goes_on = here.read_to is not None and _BETWEEN.fullmatch(reply, here.read_to, at) is not None
    stands = here.is_fenced or goes_on or _BULLET.fullmatch(reply, line, at) is not None
    try:
        value, end = read_value(reply, at)
    except BrokenJsonError as error:
        if not looks_like_json(reply, at):
            here.note(error, False)
            run = _BRACKETS.match(reply, at)  # of a long run of brackets, each would be read to the end
            return run.end() if run else at + 1
        here.note(error, stands or error.end is None)
        if len(here.faults) > MOST_FAULTS:
            return len(reply)
        end = len(reply) if error.end is None else error.end
        mark = _BREAK.search(reply, at, end)  # a closing tag may tell that this was a draft
        return mark.start() if mark else end
    here.read_to = end
    if here.is_fenced or not _is_reference(value, reply, line, at, end):
        here.found.append(FoundValue(value, stands, here.is_fenced))
    return end


def _is_reference(value: Any, reply: str, line: int, at: int, end: int) -> bool:
    """Whether it is a list of numbers amid words; one that ends its line after a colon is a value."""
    if not isinstance(value, list) or any(type(item) not in (int, float) for item in value):
        return False
    if not _ENDS_LINE.match(reply, end):
        return True
    return not (_BULLET.fullmatch(reply, line, at) or _ANNOUNCED.search(reply, max(line, at - 5), at))


def _unless(faults: list[_Fault], found: list[FoundValue]) -> list[FoundValue]:
    if faults:
        raise faults[0].error
    return found
