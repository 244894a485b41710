"""Explicit statements: ``答案：AC``, ``故选B``, ``\\boxed{B}``, ``所以B``, ``可能是B``.

Reads the marks of a reply from left to right; verdicts are read by ``judgements.py``, negations by
``exclusions.py``. What has been found, and which of it counts: ``findings.py``.
"""

from __future__ import annotations

import re

from rewards.extraction import cues, marks, verdicts
from rewards.extraction.exclusions import every, negation, rest
from rewards.extraction.findings import Findings
from rewards.extraction.groups import LetterGroup, contradicted, read_group
from rewards.extraction.hence import hence
from rewards.extraction.judgements import alternative, letters, tick, verdict
from rewards.extraction.labelled import read_labelled
from rewards.extraction.options import OptionTable
from rewards.extraction.question import UNKNOWN, QuestionWording
from rewards.extraction.reading import Reading
from rewards.extraction.stated_texts import exact_text, stated_text, text_that_begins_like_a_cue
from rewards.extraction.supposed import in_another_case

_ALTERNATIVE = re.compile(r"(?:也|那也|或|要么|要|也许|或许|大概)|.*also")
_MAYBE_ENDS = re.compile(rf"{cues.END}| ?,? ?(?:or|或者?|要么|也可能)| ?[—–]")
_EITHER = re.compile(
    r"(?i:\b(?:either|between|possibly|perhaps|maybe|might be"
    r"|could be)\b)[^.!?\n]*?[A-H](?![A-Za-z])[^.!?\n]*\Z"
    r"|[A-H](?![A-Za-z])[^.!?\n]*\bor \Z"
)
"""Before a possibility in a sentence: another letter is one too."""
_LETTER = re.compile(r"(?<![A-Za-z])[A-H](?![A-Za-z])")
_TAGS_BETWEEN = re.compile(r" ?</ ?[a-z ]{3,16}>[ \n]*")
_MARKED_IN_TURN = re.compile(r" ?[√✓✔✅☑×✗✘❌✕][ ,;、。\n]{0,3}[A-H] ?[√✓✔✅☑×✗✘❌✕]")
"""After a letter: it is the first of several, each with a mark."""
_VERDICT_ENDS = re.compile("的?" + cues.END)
_TRUE_ONES = re.compile(
    "(?:正确|对)的?" + "(?:说法|表述|描述|叙述|做法|理解|解释)?(?:应该?|只|仅|就|便)*+[是为有包]"
)
"""A cue that speaks of what is true rather than of the answer."""
_SAYS_RIGHT = re.compile(r"正|对|最|答|(?i:correct|right|best|answer|the|those)")
"""A cue that a negation before it may turn into none."""
_GOES_ON = re.compile(r" ?(?![和与及或以的都均皆也两三四五])[\u4e00-\u9fff]")
"""After the text of an option that follows the answer: the same."""
_WORD_BEFORE = re.compile(r"[a-z] \Z")
_CHOSEN_BEFORE = re.compile(r"选 ?[A-Z] ?[,、]? ?\Z|选 ?[A-Z],(?:因为|由于|理由)?[^。;\nA-Z]{1,40}; ?\Z")
"""Before a cue: another letter is chosen in the same words (``选A，选B``)."""
_CHOSEN_BY_YOU = re.compile("选(?:择|中)?(?:了|的)|(?:回?答|答案)")
_YOU = re.compile("[你您他她]们?(?:的|刚才|之前|最初|上面|前面|原来)*\\Z")
"""Before a cue in the past: what the reader has chosen."""
_MAY_WEAKEN = re.compile(
    "[始初原本如假倘若要怎凭难谁岂哪例譬诸示样举格形请务需你甲乙丙丁戊人小同学考网老者a-zA-Z]"
)
"""Before a cue: a character of the words that may weaken it."""
_ALL_OF_THEM = ("都", "均", "皆")
_MARKED = re.compile(r" ?[A-Z] ?[√✓✔✅☑×✗✘❌✕]")
"""After a cue: each letter has a mark of its own."""
_OPTIONS = re.compile(r"选项|(?i:(?:best|my) option)")
"""A cue before all letters: they are listed."""
LONGEST_CASE = 120
"""Characters of a sentence before a cue in which a condition is looked for."""
_SENTENCE_END = re.compile("[。\n]|$")


def read_statements(text: str, table: OptionTable, question: QuestionWording = UNKNOWN) -> Findings:
    """All that the folded reply states or judges."""
    found = Findings(table, question)
    mark = marks.MARK.search(text)
    while mark:
        read = _READERS[str(mark.lastgroup)]
        mark = marks.MARK.search(text, max(read(text, mark, found), mark.start() + 1))
    return found


def _cue(text: str, mark: re.Match[str], found: Findings) -> int:
    table, at = found.table, mark.end()
    if (
        mark.start() > 1
        and _SAYS_RIGHT.match(mark[0])
        and cues.NONE_IS.search(text, max(0, mark.start() - 90), mark.start())
    ) or _MARKED.match(text, at):
        return at
    group = read_group(text, at, table)
    stated = exact_text(text, at, table) or text_that_begins_like_a_cue(text, mark, table)
    if stated or group is None:
        return _stated_by_text(text, mark, stated, found)
    weak = _MAY_WEAKEN.search(text, mark.start() - 40, mark.start())
    if (weak or group.end < len(text) or len(group.letters) > 2) and (
        end := _not_said_of_the_question(text, mark, group, table)
    ):
        return end
    asked = marks.QUESTION.match(text, group.end) if group.end < len(text) else None
    if asked and not cues.ASKING_WHY.search(text, mark.start() - 12, mark.start()):
        if marks.CONFIRMED.match(text, asked.end()):
            found.declare(group.reading(table))
        return asked.end()
    if weak and (case := cues.HYPOTHETICAL.search(text, max(0, mark.start() - LONGEST_CASE), mark.start())):
        return _supposed(mark, case[0], group.reading(table), found)
    past = (weak and cues.FIRST_THOUGHT.search(text, max(0, mark.start() - 40), mark.start())) or (
        found.declared and cues.PAST.search(text, mark.start() - 20, mark.start())
    )
    past = past or (_CHOSEN_BY_YOU.match(mark[0]) and _YOU.search(text, mark.start() - 8, mark.start()))
    of_others = past or marks.OF_OTHERS.match(text, group.end)
    of_others = of_others or (weak and marks.OF_SOMEONE.search(text, mark.start() - 40, mark.start()))
    return group.end if of_others else _stated_letters(text, mark, group, found)


def _stated_by_text(text: str, mark: re.Match[str], stated: Reading | None, found: Findings) -> int:
    if mark.start() and marks.OF_SOMEONE.search(text, max(0, mark.start() - 40), mark.start()):
        return mark.end()
    if stated:
        return found.declare(stated)
    supposed = "would" in mark[0] and in_another_case(text, mark.start())
    return mark.end() if supposed else stated_text(text, mark.end(), found)


def _in_prose(text: str, mark: re.Match[str], group: LetterGroup) -> bool:
    """Whether ``answers`` is a word amid a sentence that goes on: ``blurting out answers D is …``."""
    return bool(
        _WORD_BEFORE.search(text, mark.start() - 2, mark.start())
        and not group.items[-1].told
        and not cues.CLAUSE_END.match(text, group.end)
    )


def _supposed(mark: re.Match[str], case: str, reading: Reading, found: Findings) -> int:
    """Letters in one case. Another question's answer is none: ``如果题目问的是…，选D``, ``would be B``."""
    if cues.FORCED.search(case):
        return found.declare(reading)
    if "would" in mark[0]:
        return reading.end
    another = cues.ANOTHER_QUESTION.search(case)
    return found.suppose(reading._replace(trouble="ambiguous") if another else reading)


def _not_said_of_the_question(
    text: str, mark: re.Match[str], group: LetterGroup, table: OptionTable
) -> int | None:
    """Where an example of how to answer ends, or the demand to choose between all the letters."""
    at = mark.start()
    if mark[0] == "answers " and _in_prose(text, mark, group):
        return group.start
    if cues.EXAMPLE.search(text, at - 40, at):
        return _line_end(text, group.end)
    if cues.EXAMPLE_AFTER.match(text, group.end):
        return group.end
    if set(group.letters) != set(table.letters if table.closed else "ABCD"):
        return None
    placeholder = not group.hedged and text.count("/", group.start, group.end) > 1  # A/B/C/D
    listed = _OPTIONS.match(mark[0]) and text[max(0, at - 2) : at] != "答案"
    is_demand = placeholder or listed or cues.PLEASE.search(text, at - 24, at)
    return group.end if is_demand else None


def _line_end(text: str, at: int) -> int:
    end = _SENTENCE_END.search(text, at)
    return end.start() if end else len(text)


def _odd(text: str, mark: re.Match[str], found: Findings) -> int:
    """``错误的是D``: the answer where the question asks for what is wrong; else, a verdict."""
    group = read_group(text, mark.end(), found.table)
    if group is None:
        return stated_text(text, mark.end(), found) if found.question.negative else mark.end()
    if found.question.negative and not cues.HYPOTHETICAL.search(text, mark.start() - 40, mark.start()):
        return found.declare(read_labelled(text, group, found.table).reading(found.table))
    if found.question.polarity == "unknown":
        found.odd = group.reading(found.table)
    found.judge(group, right=False)
    return group.end


def _stated_letters(text: str, mark: re.Match[str], group: LetterGroup, found: Findings) -> int:
    if _MARKED_IN_TURN.match(text, group.end):
        return mark.end()  # 答：A√ B×
    head, tail = group.split_loose()
    if tail is not None and (end := _judged_tail(text, head, tail, found)):
        return end
    denied = group.end < len(text) and _denied(text, group)
    if denied or (found.question.polarity == "false" and _TRUE_ONES.match(mark[0])):
        found.judge(group, right=not denied)
        return group.end
    if contradicted(text, group, found.table):
        return found.declare(Reading(group.letters, group.start, group.end, "ambiguous"))
    if marks.ALSO_POSSIBLE.match(text, group.end) and (end := alternative(group.reading(found.table), found)):
        return end
    return _state(text, mark, read_labelled(text, group, found.table).reading(found.table), found)


def _state(text: str, mark: re.Match[str], reading: Reading, found: Findings) -> int:
    """Declare letters after a cue, with those stated before if they are added to them."""
    before, at = found.declared, mark.start()
    if before is None and found.judged and cues.IN_ADDITION.search(text, at - 3, at):
        found.judged.update(dict.fromkeys(reading.letters, (reading.start, reading.end)))
        return reading.end
    if (
        before is not None
        and not (found.corrected and found.removed)
        and (
            cues.IN_ADDITION.search(text, at - 3, at)
            or text.endswith("also ", 0, at)
            or (
                found.question.several
                and mark[0].startswith("<")
                and _TAGS_BETWEEN.fullmatch(text, before.end, at)
            )
            or (mark[0].startswith("选") and _CHOSEN_BEFORE.search(text, at - 52, at))
        )
    ):
        trouble = reading.trouble or before.trouble
        reading = Reading(before.letters + reading.letters, before.start, reading.end, trouble)
    return found.declare(reading, tentative=bool(cues.TENTATIVE.search(mark[0])))


def _denied(text: str, group: LetterGroup) -> bool:
    """Whether a chosen letter is judged wrong: ``选A不对``. In ``答案：C 非语言沟通`` the text begins so."""
    wrong = verdicts.WRONG.match(text, group.end)
    if wrong is None:
        return False
    if verdicts.ANNOUNCED.match(text, group.end):
        return False
    labelled = group.items[-1].told or text[group.end] in " .、:,—-"
    return not labelled or _VERDICT_ENDS.match(text, wrong.end()) is not None


def _judged_tail(text: str, head: LetterGroup, tail: LetterGroup, found: Findings) -> int | None:
    """``选A，B错误``: what follows the comma is judged, not chosen."""
    scratch = Findings(found.table, found.question)
    end = verdict(text, tail, scratch)
    if scratch.judged and len(tail.letters) == 1 and text.startswith(_ALL_OF_THEM, tail.end):
        return None  # 选A，B，D都对
    if end is None and (
        verdicts.SPOKEN_OF.match(text, tail.end) or (tail.items[-1].told and _GOES_ON.match(text, tail.end))
    ):
        end = tail.end
    if end is None:
        return None
    found.declare(head.reading(found.table))
    found.take_judgements(scratch)
    return end


def _maybe(text: str, mark: re.Match[str], found: Findings) -> int:
    """``可能是A``: a statement if the clause ends there; with another one before it, alternatives."""
    group = read_group(text, mark.end(), found.table)
    if group is None or not _MAYBE_ENDS.match(text, group.end):
        return mark.start()
    reading = group.reading(found.table)
    before = found.declared
    preferred = "更" in mark[0] or "最" in mark[0]
    either = found.tentative or _ALTERNATIVE.match(mark[0])
    if mark[0][0].isascii() and (other := _EITHER.search(text, max(0, mark.start() - 90), mark.start())):
        others = "".join(_LETTER.findall(other[0]))
        if set(others) != set(reading.letters):
            first = _LETTER.search(text, other.start())
            start = first.start() if first else reading.start
            return found.declare(Reading(others + reading.letters, start, reading.end, "ambiguous"))
    if (
        before is not None
        and either
        and not preferred
        and not found.corrected
        and set(before.letters) != set(reading.letters)
    ):
        reading = Reading(before.letters + reading.letters, before.start, reading.end, "ambiguous")
    found.declare(reading, tentative=True)
    return group.end


def _correction(text: str, mark: re.Match[str], found: Findings) -> int:
    found.correct(retract=mark["retract"] is not None)
    after = marks.AFTER_CORRECTION.match(text, mark.end())
    group = read_group(text, after.end(), found.table) if after else None
    if group is not None and cues.CLAUSE_END.match(text, group.end):
        return found.declare(group.reading(found.table))
    return mark.end()


_READERS = {
    "alone": letters,
    "letter": letters,
    "odd": _odd,
    "cue": _cue,
    "hence": hence,
    "soft": hence,
    "maybe": _maybe,
    "negation": negation,
    "rest": rest,
    "every": every,
    "tick": tick,
    "correction": _correction,
}
