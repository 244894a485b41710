"""Explicit statements: ``答案：AC``, ``故选B``, ``\\boxed{B}``, ``B是正确答案``, ``A错误，B正确``.

Reads the marks of a reply from left to right. What is found, and which of it counts: ``findings.py``.
"""

from __future__ import annotations

import re

from rewards.extraction import cues, marks, verdicts
from rewards.extraction.findings import Findings
from rewards.extraction.groups import LetterGroup, all_may_be, contradicted, read_group, read_labelled
from rewards.extraction.options import OptionTable, phrase_key
from rewards.extraction.reading import Reading

_PHRASE = re.compile(r"[ :]*([^\n\x03<]+)")
_CLAUSE = re.compile(r"[ :]*([A-Z][^\n\x03<,。;!?]+)")
_SENTENCE_END = re.compile(r"[。;!?]")
_CLAUSE_END = re.compile(cues.END)
_RUN = re.compile("[A-Z]+")
_LOWER_CASE = re.compile(r" ?([a-z](?:(?:[、,/;] ?|和|与| )?[a-z]){0,7})(?:" + cues.END + r"|(?=[:)] ?))")
_ALTERNATIVE = re.compile(r"(?:也|那也|或|要么|要|也许|或许|大概)|.*also")
_CLAUSE_STARTS = ("", "\n", "。", ";", "-", "•", ">", "|", ",")


def read_statements(text: str, table: OptionTable) -> Findings:
    """All that the folded reply states or judges."""
    found = Findings(table)
    position = 0
    while mark := marks.MARK.search(text, position):
        read = _READERS[mark.lastgroup or ""]
        position = max(read(text, mark, found), mark.start() + 1)
    return found


def _letters(text: str, mark: re.Match[str], found: Findings) -> int:
    """Letters without a cue: a verdict or an announcement may follow them."""
    at = mark.start()
    group = read_group(text, at, found.table)
    if group is None:
        run = _RUN.match(text, at)
        return run.end() if run else at + 1
    if all_may_be(text, group.end):
        found.declare(group.reading(found.table))
    elif group.hedged and found.declared is None and _CLAUSE_END.match(text, group.end):
        return found.declare(group.reading(found.table))
    elif marks.ALSO_POSSIBLE.match(text, group.end) and (
        end := _alternative(group.reading(found.table), found)
    ):
        return end
    return _verdict(text, group, found) or _far_verdict(text, group, found) or found.mention(group)


def _alternative(reading: Reading, found: Findings) -> int | None:
    """Another possibility beside what was declared: ambiguous."""
    before = found.declared
    if before is None or set(before.letters) == set(reading.letters):
        return None
    return found.declare(Reading(before.letters + reading.letters, before.start, reading.end, "ambiguous"))


def _verdict(text: str, group: LetterGroup, found: Findings) -> int | None:
    end = group.end
    if announced := verdicts.ANNOUNCED.match(text, end):
        found.declare(group.reading(found.table))
        return announced.end()
    label = verdicts.LABEL.match(text, end)
    if label and (len(group.letters) == 1 or "." not in label[0]):
        end = label.end()
    if wrong := verdicts.WRONG.match(text, end):
        found.judge(group, right=False)
        return wrong.end()
    if right := verdicts.RIGHT.match(text, end):
        if asked := marks.QUESTION.match(text, right.end()):
            return asked.end()
        if group.hedged:
            found.declare(group.reading(found.table))
            return right.end()
        found.judge(group, right=not verdicts.YET_NOT_CHOSEN.match(text, right.end()))
        return right.end()
    return None


def _far_verdict(text: str, group: LetterGroup, found: Findings) -> int | None:
    before = text[max(0, group.start - 3) : group.start].replace("选项", "").rstrip(" ")[-1:]
    if before not in _CLAUSE_STARTS or not (far := verdicts.FAR.match(text, group.end)):
        return None
    found.judge(group, right=far["right"] is not None)
    return far.end()


def _cue(text: str, mark: re.Match[str], found: Findings) -> int:
    table, at = found.table, mark.end()
    if (stated := _exact_text(text, at, table)) or (
        stated := _text_that_begins_like_a_cue(text, mark, table)
    ):
        return found.declare(stated)
    group = read_group(text, at, table)
    if group is None:
        return _stated_text(text, at, found)
    asked = marks.QUESTION.match(text, group.end)
    if asked and not cues.ASKING_WHY.search(text, max(0, mark.start() - 12), mark.start()):
        if marks.CONFIRMED.match(text, asked.end()):
            found.declare(group.reading(table))
        return asked.end()
    if found.declared and cues.HYPOTHETICAL.search(text, max(0, mark.start() - 40), mark.start()):
        return group.end
    head, tail = group.split_loose()
    if tail is not None and (end := _judged_tail(text, head, tail, found)):
        return end
    if verdicts.WRONG.match(text, group.end) and not verdicts.ANNOUNCED.match(text, group.end):
        found.judge(group, right=False)
        return group.end
    if contradicted(text, group, table):
        return found.declare(Reading(group.letters, group.start, group.end, "ambiguous"))
    if marks.ALSO_POSSIBLE.match(text, group.end) and (end := _alternative(group.reading(table), found)):
        return end
    reading = read_labelled(text, group, table).reading(table)
    if (
        found.declared
        and not found.corrected
        and cues.IN_ADDITION.search(text, max(0, mark.start() - 4), mark.start())
    ):
        before = found.declared
        reading = Reading(
            before.letters + reading.letters, before.start, reading.end, reading.trouble or before.trouble
        )
    return found.declare(reading, tentative=bool(cues.TENTATIVE.search(mark[0])))


def _judged_tail(text: str, head: LetterGroup, tail: LetterGroup, found: Findings) -> int | None:
    """``选A，B错误``: what follows the comma is judged, not chosen."""
    scratch = Findings(found.table)
    end = _verdict(text, tail, scratch)
    if end is None:
        return None
    found.declare(head.reading(found.table))
    found.take_judgements(scratch)
    return end


def _exact_text(text: str, at: int, table: OptionTable) -> Reading | None:
    """An option's text that begins like a letter, to the end of the clause: ``A和B``, ``A型行为``."""
    phrase = _CLAUSE.match(text, at, at + table.reach)
    letter = table.by_key.get(phrase_key(phrase[1])) if phrase else None
    return Reading(letter, *phrase.span(1)) if phrase and letter else None


def _text_that_begins_like_a_cue(text: str, mark: re.Match[str], table: OptionTable) -> Reading | None:
    """``答案：选择性注意``, where the cue has swallowed the beginning of the text."""
    for letter, own in table.texts.items():
        begin = (
            text.find(own, mark.start(), mark.end() + len(own)) if own[0] in "选是为应有包就只答正我" else -1
        )
        if mark.start() < begin < mark.end() and _CLAUSE_END.match(text, begin + len(own)):
            return Reading(letter, begin, begin + len(own))
    return None


def _stated_text(text: str, at: int, found: Findings) -> int:
    """A cue followed by option texts, by 以上都是, or by lower-case letters."""
    table = found.table
    if lower := _LOWER_CASE.match(text, at):
        letters = "".join(c for c in lower[1].upper() if "A" <= c <= "Z")
        if table.exists(letters) and sorted(set(letters)) == list(letters):
            return found.declare(Reading(letters, *lower.span(1)))
    phrase = _PHRASE.match(text, at, at + table.reach)
    if phrase is None or phrase_key(phrase[1][:1]) not in table.openings:
        return at
    begin, end = phrase.span(1)
    sentence = _SENTENCE_END.search(text, begin, end)
    for stop in (end, sentence.start() if sentence else end, text.find(",", begin, end)):
        letters = table.from_text(text[begin:stop]) if stop > begin else ""
        if letters:
            return found.declare(Reading(letters, begin, stop))
    return at


def _hence(text: str, mark: re.Match[str], found: Findings) -> int:
    """A conclusion without a cue word (``所以B。``): counts where nothing has been declared."""
    group = read_group(text, mark.end(), found.table)
    if (
        group is None
        or not found.table.exists(group.letters)
        or not _CLAUSE_END.match(text, group.end)
        or cues.NEGATIVE_CLAUSE.search(text, max(0, mark.start() - 40), mark.start())
    ):
        return mark.start() + 1
    if len(group.items) > 1 and group.split_loose()[1] or _verdict(text, group, Findings(found.table)):
        return mark.start() + 1
    if found.declared is None or found.corrected:
        found.declare(group.reading(found.table))
    return group.end


def _maybe(text: str, mark: re.Match[str], found: Findings) -> int:
    """``可能是A``: a statement if the clause ends there; with another one before it, alternatives."""
    group = read_group(text, mark.end(), found.table)
    if group is None or not _CLAUSE_END.match(text, group.end):
        return mark.start() + 1
    reading = group.reading(found.table)
    before = found.declared
    either = found.tentative or _ALTERNATIVE.match(mark[0].strip(" ,。;"))
    if before is not None and either and not found.corrected and set(before.letters) != set(reading.letters):
        reading = Reading(before.letters + reading.letters, before.start, reading.end, "ambiguous")
    found.declare(reading, tentative=True)
    return group.end


def _negation(text: str, mark: re.Match[str], found: Findings) -> int:
    group = read_group(text, mark.end(), found.table)
    if group is None:
        return mark.end()
    if mark["except"] and (end := _except(text, group, found)):
        return end
    head, tail = group.split_loose()
    if tail is not None and _verdict(text, tail, found):
        group = head
    found.judge(group, right=False)
    if mark["strong"]:
        found.removed.update(group.letters)
    if either := marks.EITHER_OR.match(text, group.end):
        other = read_group(text, either.end(), found.table)
        if other is not None and "不是" in mark[0]:
            reading = Reading(group.letters + other.letters, group.start, other.end, "ambiguous")
            return found.declare(reading)
    instead = marks.INSTEAD.match(text, group.end)
    chosen = read_group(text, instead.end(), found.table) if instead else None
    if chosen is not None and _CLAUSE_END.match(text, chosen.end):
        return found.declare(chosen.reading(found.table))
    return group.end


def _except(text: str, group: LetterGroup, found: Findings) -> int | None:
    """``除A外都对`` judges the others; ``除了A还有B`` and ``除了A，B也对`` choose both."""
    if "还" in text[group.start : group.end]:
        return found.declare(group.reading(found.table))
    if besides := marks.BESIDES.match(text, group.end):
        more = read_group(text, besides.end(), found.table)
        if more is not None:
            return found.declare(Reading(group.letters + more.letters, group.start, more.end))
    head, tail = group.split_loose()
    also = marks.ALSO.match(text, group.end) if tail is None else None
    more = read_group(text, also.end(), found.table) if also else tail
    if more is not None and text.startswith(("也", " 也"), more.end):
        found.judge(head, right=True)
        return more.start
    others = marks.OTHERS.match(text, group.end)
    if others is None:
        return None
    if verdicts.WRONG.match(text, others.end()):
        found.judge(group, right=True)
    elif verdicts.RIGHT.match(text, others.end()) or verdicts.ANNOUNCED.match(text, others.end()):
        found.judge(group, right=False)
        found.judge_others(group.letters, group.start, group.end)
    else:
        return None
    return others.end()


def _rest(text: str, mark: re.Match[str], found: Findings) -> int:
    """``A、C不对，其余正确``."""
    if not verdicts.WRONG.match(text, mark.end()) and (
        verdicts.RIGHT.match(text, mark.end()) or verdicts.ANNOUNCED.match(text, mark.end())
    ):
        found.judge_others("".join(found.wrong), mark.start(), mark.end())
    return mark.end()


def _every(text: str, mark: re.Match[str], found: Findings) -> int:
    if letters := found.table.from_text(mark[0]):
        found.judge_letters(letters, mark.start(), mark.end())
    return mark.end()


def _tick(text: str, mark: re.Match[str], found: Findings) -> int:
    group = read_group(text, mark.end(), found.table)
    if group is None:
        return mark.end()
    found.judge(group, right=mark["yes"] is not None)
    return group.end


def _correction(text: str, mark: re.Match[str], found: Findings) -> int:
    found.correct(retract=mark["retract"] is not None)
    after = marks.AFTER_CORRECTION.match(text, mark.end())
    group = read_group(text, after.end(), found.table) if after else None
    if group is not None and _CLAUSE_END.match(text, group.end):
        return found.declare(group.reading(found.table))
    return mark.end()


_READERS = {
    "letter": _letters,
    "cue": _cue,
    "hence": _hence,
    "maybe": _maybe,
    "negation": _negation,
    "rest": _rest,
    "every": _every,
    "tick": _tick,
    "correction": _correction,
}
