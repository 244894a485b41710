"""Replies without a statement: letters alone, lines of letters with their texts, option texts.

Lines of letters that stand together count together, so that a list of ``A.…`` and ``C.…`` is AC, and
a question copied back is all of its options rather than its last one.
"""

from __future__ import annotations

import re

from rewards.extraction.groups import read_group
from rewards.extraction.options import OptionTable
from rewards.extraction.reading import Reading

_LINE = re.compile(r"[^\n]*[^\s][^\n]*")
_LINE_START = re.compile(r"[ >·•\-]*")
_LINE_REST = re.compile(r"[ '.。,;、!:\x03]*$")
_LOWER = re.compile(r"[ ']*([a-z](?:[ ]*[、,;/&+和与及]?[ ]*[a-z])*)[ '.。)\x03]*")
_TEXT_SEPARATOR = re.compile(r"[\n、,;和与及]|以及")
_TEXT_THEN_LETTER = re.compile(r"(.*[^ ])[ ]+([A-Z])[ .。]*")
MAX_LINE = 400
"""A longer line is prose: not read as letters or option texts."""


def bare_answer(text: str, start: int, table: OptionTable) -> Reading | None:
    """What the reply from ``start`` on says by letters or option texts alone."""
    lines = [(m.start(), m.end()) for m in _LINE.finditer(text, start)]
    if not lines:
        return None
    first = _block([lettered_line(text, *line, table) for line in _runs_from(lines)])
    if first is not None and first[1] == len(lines):
        return first[0]
    last = _block([lettered_line(text, *line, table) for line in _runs_from(lines[::-1])])
    if first is None:
        return last[0] if last else None
    if last is None or set(first[0].letters) == set(last[0].letters):
        return first[0]
    return Reading(first[0].letters + last[0].letters, first[0].start, last[0].end, "ambiguous")


def _runs_from(lines: list[tuple[int, int]]) -> list[tuple[int, int]]:
    # More lines than letters cannot all be answers; the bound keeps long replies cheap.
    return lines[:27]


def _block(readings: list[Reading | None]) -> tuple[Reading, int] | None:
    """The leading lines of letters as one reading, and how many they are."""
    block = []
    for reading in readings:
        if reading is None:
            break
        block.append(reading)
    if not block:
        return None
    trouble = next((r.trouble for r in block if r.trouble), None)
    letters = "".join(r.letters for r in block)
    start, end = min(r.start for r in block), max(r.end for r in block)
    return Reading(letters, start, end, trouble), len(block)


def lettered_line(text: str, start: int, end: int, table: OptionTable) -> Reading | None:
    """A line that holds letters (with or without their texts) and nothing else."""
    if end - start > MAX_LINE:
        return None
    line = text[start:end]
    opening = _LINE_START.match(line)
    group = read_group(line, opening.end() if opening else 0, table)
    if group is None:
        return _lower_case(line, start, table)
    reading = group.reading(table)
    rest = line[group.end :]
    if not _LINE_REST.match(rest):
        # A letter beside another option's text contradicts itself.
        means = table.from_text(rest) if len(reading.letters) == 1 else ""
        if not means or not rest.lstrip().startswith((".", "、", ":")):
            return None
        reading = reading._replace(trouble=None if means == reading.letters else "ambiguous")
    return reading._replace(start=start + reading.start, end=start + reading.end)


def _lower_case(line: str, start: int, table: OptionTable) -> Reading | None:
    match = _LOWER.fullmatch(line)
    if match is None:
        return None
    letters = "".join(c for c in match[1].upper() if "A" <= c <= "Z")
    if sorted(set(letters)) != list(letters) or not table.exists(letters):
        return None  # a word, not a list of letters
    return Reading(letters, start + match.start(1), start + match.end(1))


def _meaning(phrase: str, table: OptionTable) -> str:
    """The letters of a phrase; an option's text may be followed by its own letter: ``内隐记忆（A）``."""
    letters = table.from_text(phrase)
    if not letters and (labelled := _TEXT_THEN_LETTER.fullmatch(phrase)):
        letters = table.from_text(labelled[1])
        return letters if letters == labelled[2] else ""
    return letters


def texts_answer(text: str, start: int, end: int, table: OptionTable) -> Reading | None:
    """A phrase that equals an option's text, several of them, or 以上都是."""
    if end - start > MAX_LINE * 4:
        return None
    phrase = text[start:end]
    letters = _meaning(phrase, table)
    if not letters:
        pieces = [p for p in _TEXT_SEPARATOR.split(phrase) if p.strip(" .。;,\x03")]
        if len(pieces) < 2 or len(pieces) > len(table.letters):
            return None
        found = [_meaning(piece, table) for piece in pieces]
        if not all(found):
            return None
        letters = "".join(found)
    begin = start + len(phrase) - len(phrase.lstrip())
    return Reading(letters, begin, start + len(phrase.rstrip()))
