"""Replies without a statement: letters alone, and lines of letters with or without their texts.

Lines of letters that stand together count together, so that a list of ``A.…`` and ``C.…`` is AC, and
a question copied back is all of its options rather than its last one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from rewards.extraction.groups import LetterGroup, contradicted, read_group
from rewards.extraction.options import OptionTable, phrase_key
from rewards.extraction.reading import Reading
from rewards.text.canonical import LETTERS

_LINE = re.compile(r"[^\n]*[^\s][^\n]*")
_SURELY = (
    r"(?i:(?:so|thus|most likely|likely|definitely|clearly|obviously|certainly|surely|absolutely|letter"
    r"|option|i'd say|that's|easy|yes|sure|of course|hmm|okay|ok|well|simply)"
    r"[,:!]? (?:it's |option |letter )?)"
)
_GUESSING = (
    r"(?:(?:我|个人|本人|题干|本题|此题|这题|括号内|横线处|空格处)?"
    r"(?:认为|觉得|感觉|猜测?|估计|推测|蒙一?个?|应该?|大概|那?就|是|为|所述|填入?写?|写|答"
    r"|嗯|好的|对|呃|哦|明白了?)++[ :,]*)"
)
"""Words of no weight before letters that are the whole line."""
_LINE_START = re.compile(
    r"(?:A ?: (?=[B-E][ .]*$))?(?:[ >·•|\-→=☞➤►✅:。—]|\d{1,3}(?:[.、](?!\d)| ?\|| ?(?=[A-Z](?![A-Za-z]))))*+"
    r"(?:(?:[Oo]nly|[Jj]ust) (?=[Oo]ptions? |[A-Z](?![a-z]))|[只仅]有? ?(?=(?:选项)? ?[A-Z])"
    rf"|{_SURELY}(?=[A-Z](?![a-z]))|{_GUESSING}(?=(?:选项)? ?[A-Z]))?"
)
_LINE_REST = re.compile(
    r"(?: for sure| of course| obviously| again| please| definitely| I'd say|呗"
    r"| ?[一二两三四五六]个?(?:选?项|选项)| only| alone|而已| it is| ?第[一二三四五六]个?(?:选?项)?"
    r"| ?,? ?(?:不含|不包括|而不是|而非|不是|除|rather than|instead of"
    r"|not) ?(?:option )?[A-Z](?:[、,和]?[A-Z]){0,4}(?:选?项)?"
    r"|[吧哦呀啊哈呢嘛啦喔]{1,2})?[ .。,;、!:\x03~|]*$"
)
_FULL_STOPS = re.compile(r"(?:[A-Z] ?[。.] ?)+[A-Z] ?[。.]? ?")
"""``A。B。D。`` as a line."""
_OPTIONS = re.compile(r"[ •·\-]{0,3}(?:[Oo]ptions?|[Cc]hoices?|选项) ?:")
"""Before all letters: they are listed."""
_ANY_TEXT = re.compile(r"[ •·\-]{0,4}(?P<letter>[A-Z]) ?[.、:] ?[^\n。.!?;]{1,40}")
_HEADING = re.compile(r"\n[ #-]*(?:[Oo]ption|选项) ?[A-Z] ?:\s*\Z")
"""At the end: the discussion of an option begins, and is cut off."""
UNDER_REJECTED = re.compile(
    r"(?:不|错|误|非|排除|(?i:\b(?:false|incorrect|wrong|not|excluded|rejected)\b))[^\n。]{0,30}:[ \n•·-]*\Z"
)
"""Before the last lines of letters: they are rejected."""
_LOWER = re.compile(
    r" ?(?:[Oo]ption |选项 ?)?(?P<said>[a-z](?:(?: ?[、,;/&+和与及] ?(?:and )?| and "
    r"| )?[a-z]){0,25})[ .。)\x03]*"
)
SHORTEST_BEGINNING = 4
"""Letters of an option's text that a line must begin with to stand for it."""
MAX_LINE = 400
"""A longer line is prose: not read as letters."""


def bare_answer(text: str, table: OptionTable) -> Reading | None:
    """What the folded reply says by letters alone."""
    lines = [(m.start(), m.end()) for m in _LINE.finditer(text)]
    first = _block((lettered_line(text, *line, table) for line in _runs_from(lines)), table)
    last = _block(
        (lettered_line(text, *line, table) for line in _runs_from(lines[::-1])), table, backwards=True
    )
    if last is not None and _HEADING.search(text, max(0, last[0].start - 9)):
        first = None if first and first[0].start == last[0].start else first
        last = None
    if last is not None and UNDER_REJECTED.search(text, max(0, last[0].start - 60), last[0].start):
        last = None
    if first is None:
        return last[0] if last else _subset_of_lines(text, table)
    if last is None or set(first[0].letters) == set(last[0].letters):
        return first[0]
    return Reading(first[0].letters + last[0].letters, first[0].start, last[0].end, "ambiguous")


def _runs_from(lines: list[tuple[int, int]]) -> list[tuple[int, int]]:
    # More lines than letters, twice, cannot all be answers; the bound keeps long replies cheap.
    return lines[:54]


def _block(
    readings: Iterable[Reading | None], table: OptionTable, backwards: bool = False
) -> tuple[Reading, int] | None:
    """The leading (or, read backwards, the closing) lines of letters as one reading, and how many."""
    block = []
    for reading in readings:
        if reading is None:
            break
        block.append(reading)
    count = len(block)
    if not block:
        return None
    if backwards:
        block.reverse()
    copied = len(table.letters)
    if count > copied and "".join(r.letters for r in block[:copied]) == table.letters:
        block = block[copied:]  # the options copied, then the answer
    trouble = next((r.trouble for r in block if r.trouble), None)
    letters = "".join(r.letters for r in block)
    return Reading(letters, block[0].start, block[-1].end, trouble), count


def lettered_line(text: str, start: int, end: int, table: OptionTable) -> Reading | None:
    """A line that holds letters (with or without their texts) and nothing else."""
    if end - start > MAX_LINE:
        return None
    line = text[start:end]
    opening = _LINE_START.match(line)
    begins = opening.end() if opening else 0
    if stops := _FULL_STOPS.fullmatch(line, begins):
        return _checked(stops[0], start + stops.start(), table)
    group = read_group(line, begins, table)
    if group is None:
        return _lower_case(line, start, table)
    own = table.by_key.get(phrase_key(line)) if len(group.letters) > 1 else None
    reading = Reading(own, group.start, group.end) if own else group.reading(table)  # Both A and B
    if _OPTIONS.match(line) and set(group.letters) == set(table.letters):
        return None
    if not _LINE_REST.match(line, group.end) and not _begins_its_text(line, group, table):
        # A letter beside another option's text contradicts itself.
        if not contradicted(line, group, table):
            return None
        reading = reading._replace(trouble="ambiguous")
    return reading._replace(start=start + reading.start, end=start + reading.end)


def _begins_its_text(line: str, group: LetterGroup, table: OptionTable) -> bool:
    """Whether a letter's line goes on with the first words of its text, and of no other: ``B bulimia``."""
    said = line[group.end :].strip(" .。:、)-").lower()
    if len(said) < SHORTEST_BEGINNING or len(group.letters) != 1:
        return False
    like = [
        x
        for x, own in table.texts.items()
        if own.lower().startswith(said)
        and len(said) < len(own)
        and not own[len(said) : len(said) + 1].isalnum()
    ]
    return like == [group.letters]


def _subset_of_lines(text: str, table: OptionTable) -> Reading | None:
    """Lines of letters with texts, where the options are not known: some of them, not a list from A on."""
    lines = [line for line in text.split("\n") if line.strip()] if not table.closed else []
    marked = [m for line in lines if (m := _ANY_TEXT.fullmatch(line))]
    letters = "".join(m["letter"] for m in marked)
    listed = letters == "".join(sorted(set(letters))) and not LETTERS.startswith(letters)
    if len(marked) < 2 or len(marked) < len(lines) or not listed:
        return None
    return Reading(letters, len(text) - len(text.lstrip()), len(text.rstrip()))


def _checked(said: str, at: int, table: OptionTable) -> Reading:
    letters = "".join(re.findall("[A-Z]", said))
    return Reading(
        letters, at, at + len(said.rstrip(" 。.")), None if table.exists(letters) else "out_of_range"
    )


def _lower_case(line: str, start: int, table: OptionTable) -> Reading | None:
    match = _LOWER.fullmatch(line)
    letters = table.lower_case(match["said"]) if match else ""
    return (
        Reading(letters, start + match.start("said"), start + match.end("said"))
        if match and letters
        else None
    )
