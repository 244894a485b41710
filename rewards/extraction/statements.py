"""Explicit statements: ``答案：AC``, ``故选B``, ``\\boxed{B}``, ``B是正确答案``, ``A错误，B正确``.

Invariants: a negated letter states nothing; of the declarations the last wins; judgements over items
count together, and only where nothing was declared, or where a correction stands between.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from rewards.canonical import match_key
from rewards.extraction import marks
from rewards.extraction.bare import texts_answer
from rewards.extraction.groups import MAYBE_ALL, LetterGroup, read_group, read_labelled
from rewards.extraction.options import OptionTable
from rewards.extraction.reading import Extraction, Reading

_PHRASE = re.compile(r"[ ':]*([^\n\x03<]+)")
_SENTENCE_END = re.compile(r"[。;!?]")
_CLAUSE_END = re.compile(marks.END)
_RUN = re.compile("[A-Z]+")
_LOWER_CASE = re.compile(r"([a-z](?:[、,/ ]{0,2}[a-z]){0,7})" + marks.END)
_ALTERNATIVE = ("也", "那也", "或", "要么", "要")


@dataclass(slots=True)
class _Findings:
    """What has been found so far, in the order of the text."""

    declared: Reading | None = None
    judged: dict[str, tuple[int, int]] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    """Letters taken back since the last declaration."""
    corrected: bool = False
    """Whether a correction stands after the last declaration."""

    def declare(self, reading: Reading) -> None:
        self.declared, self.corrected = reading, False
        self.removed.clear()
        self.judged.clear()

    def judge(self, group: LetterGroup, right: bool) -> None:
        for item in group.items:
            for letter in item.run:
                self.judged.pop(letter, None)
                if right:
                    self.judged[letter] = (item.start, item.end)


def stated_answer(text: str, start: int, table: OptionTable) -> Extraction | None:
    """What the reply from ``start`` on states; None where it states nothing.

    Spans are offsets into ``text``.
    """
    found = _Findings()
    position = start
    while mark := marks.MARK.search(text, position):
        kind = mark.lastgroup
        if kind == "correction":
            found.corrected, position = True, mark.end()
        elif kind == "letter":
            position = _letters(text, mark.start(), table, found)
        elif kind == "cue":
            position = _cue(text, mark.end(), table, found)
        elif kind == "maybe":
            position = _maybe(text, mark, table, found)
        else:
            position = _negation(text, mark, table, found)
        position = max(position, mark.end() if kind != "letter" else mark.start() + 1)
    return _conclude(found, table)


def _letters(text: str, at: int, table: OptionTable, found: _Findings) -> int:
    """Letters without a cue: a verdict or an announcement may follow them."""
    group = read_group(text, at, table)
    if group is None:
        run = _RUN.match(text, at)
        return run.end() if run else at + 1
    if MAYBE_ALL.match(text, group.end):
        found.declare(group.reading(table))
    return _verdict(text, group, table, found) or group.end


def _verdict(text: str, group: LetterGroup, table: OptionTable, found: _Findings) -> int | None:
    end = group.end
    announced = marks.ANNOUNCED.match(text, end)
    if announced:
        found.declare(group.reading(table))
        return announced.end()
    if label := marks.VERDICT_LABEL.match(text, end):
        end = label.end()
    if wrong := marks.WRONG.match(text, end):
        found.judge(group, right=False)
        return wrong.end()
    if right := marks.RIGHT.match(text, end):
        found.judge(group, right=True)
        return right.end()
    return None


def _cue(text: str, at: int, table: OptionTable, found: _Findings) -> int:
    group = read_group(text, at, table)
    if group is None:
        return _stated_text(text, at, table, found)
    head, tail = group.split_loose()
    if tail is not None and (end := _verdict(text, tail, table, found)):
        # 选A，B错误: what follows the comma is judged, not chosen. Judge it after the declaration.
        judged = dict(found.judged)
        found.declare(head.reading(table))
        found.judged = judged if found.corrected else {}
        return end
    if marks.WRONG.match(text, group.end) and not marks.ANNOUNCED.match(text, group.end):
        return group.end
    group = read_labelled(text, group, table)
    found.declare(group.reading(table))
    return group.end


def _stated_text(text: str, at: int, table: OptionTable, found: _Findings) -> int:
    """A cue followed by an option's text, by 以上都是, or by lower-case letters."""
    if lower := _LOWER_CASE.match(text, at):
        letters = "".join(c for c in lower[1].upper() if c.isalpha())
        if table.exists(letters) and sorted(set(letters)) == list(letters):
            found.declare(Reading(letters, lower.start(1), lower.end(1)))
            return lower.end()
    phrase = _PHRASE.match(text, at, at + table.reach)
    if phrase is None or match_key(phrase[1][:1]) not in table.openings:
        return at
    begin, end = phrase.span(1)
    sentence = _SENTENCE_END.search(text, begin, end)
    for stop in (end, sentence.start() if sentence else end, text.find(",", begin, end)):
        reading = texts_answer(text, begin, stop, table) if stop > begin else None
        if reading is not None:
            found.declare(reading)
            return stop
    return at


def _maybe(text: str, mark: re.Match[str], table: OptionTable, found: _Findings) -> int:
    """``可能是A``: a statement if the clause ends there; an alternative to the one before it if so said."""
    group = read_group(text, mark.end(), table)
    if group is None or not _CLAUSE_END.match(text, group.end):
        return mark.start() + 1
    reading = group.reading(table)
    before = found.declared
    words = mark[0].strip(" ,。;")
    if before is not None and words.startswith(_ALTERNATIVE) and before.letters != reading.letters:
        reading = Reading(before.letters + reading.letters, before.start, reading.end, "ambiguous")
    found.declare(reading)
    return group.end


def _negation(text: str, mark: re.Match[str], table: OptionTable, found: _Findings) -> int:
    group = read_group(text, mark.end(), table)
    if group is None:
        return mark.end()
    head, tail = group.split_loose()
    if tail is not None and _verdict(text, tail, table, found):
        group = head
    found.judge(group, right=False)
    if mark["strong"]:
        found.removed.update(*(item.run for item in group.items))
    instead = marks.INSTEAD.match(text, group.end)
    chosen = read_group(text, instead.end(), table) if instead else None
    if chosen is not None and _CLAUSE_END.match(text, chosen.end):
        found.declare(chosen.reading(table))
        return chosen.end
    return group.end


def _conclude(found: _Findings, table: OptionTable) -> Extraction | None:
    if found.judged and (found.declared is None or found.corrected):
        letters = "".join(sorted(found.judged))
        span = min(s for s, _ in found.judged.values()), max(e for _, e in found.judged.values())
        if not table.exists(letters):
            return Extraction(None, span, "out_of_range")
        return Extraction(letters, span, "judgement")
    reading = found.declared
    if reading is None:
        return None
    span = reading.start, reading.end
    if reading.trouble:
        return Extraction(None, span, reading.trouble)
    taken_back = found.removed & set(reading.letters)
    if taken_back:
        return Extraction(None, span, "negated" if taken_back == set(reading.letters) else "ambiguous")
    return Extraction("".join(sorted(set(reading.letters))), span, "statement")
