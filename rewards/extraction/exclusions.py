"""Letters that are negated, excluded or excepted, what that says of the others, and all options."""

from __future__ import annotations

import re

from rewards.extraction import cues, marks, verdicts
from rewards.extraction.findings import Findings
from rewards.extraction.groups import LetterGroup, read_group
from rewards.extraction.judgements import verdict
from rewards.extraction.predicates import claims
from rewards.extraction.reading import Reading

_ALL_OTHERS = re.compile("所有|全部|其[余他它]")
_SENTENCE_END = re.compile(r" ?(?:$|[。\n\x03])")
_EXCEPT = re.compile(r"(?i:all|every|except|apart|aside|with the exception)")
_PHRASE = re.compile(
    r"(?: for)?(?: the| an?)? ?(?P<said>[^\n\x03<,。;!?.:]+?)(?: (?:are|is|do|does))?(?= ?(?:$|[,。;!\n.]))"
)
"""Words that except, and the option's text after them."""
_CHOSEN_BUT = re.compile("选(?:择|取|出)? ?\\Z")
_OTHER_OPTIONS = re.compile(
    r" ?(?:选?项)?(?:之外|以外|外)的?(?:其[他余]|所有|全部|各)?(?:的)?(?:[两三四五]?[个项]|选项|各项)"
    + cues.END
)
_ALL_CHOSEN = re.compile(
    r"(?:的|选?项)?[^。;!?\nA-Z不]{0,60}[都全均](?:应该?|可以|要|得|需)?选(?:上|入|择)?" + cues.END
)
_LEFT = re.compile(r"(?:的?(?:只有|就是|是|为))?[ :]*")
_COUNT = re.compile("[三四五六]")
_NUMBERS = "零一二三四五六"
_OF_THE_TRUTH = re.compile("错误|有误|不对|不正确|^除|^不包[括含]|(?i:incorrect|wrong|except)")


def negation(text: str, mark: re.Match[str], found: Findings) -> int:
    """``不选A``; ``不是A，是D`` states D, ``不是A就是D`` is ambiguous."""
    skipped = marks.NEGATED_CUE.match(text, mark.end())
    group = read_group(text, skipped.end() if skipped else mark.end(), found.table)
    if group is None:
        return _except_text(text, mark, found)
    if mark["except"] and (end := _except(text, mark, group, found)):
        return end
    head, tail = group.split_loose()
    if tail is not None and verdict(text, tail, found):
        group = head
    found.judge(group, right=False, of_the_answer=not _OF_THE_TRUTH.search(mark[0]))
    if mark["strong"]:
        found.removed.update(group.letters)
    if either := marks.EITHER_OR.match(text, group.end):
        other = read_group(text, either.end(), found.table)
        if other is not None and "不是" in mark[0]:
            reading = Reading(group.letters + other.letters, group.start, other.end, "ambiguous")
            return found.declare(reading)
    instead = marks.INSTEAD.match(text, group.end)
    chosen = read_group(text, instead.end(), found.table) if instead else None
    if chosen is not None and cues.CLAUSE_END.match(text, chosen.end):
        return found.declare(chosen.reading(found.table))
    return group.end


def _except(text: str, mark: re.Match[str], group: LetterGroup, found: Findings) -> int | None:
    """``除A外都对`` judges the others; ``除了A还有B`` and ``除了A，B也对`` choose both."""
    if "还" in text[group.start : group.end]:
        return found.declare(group.reading(found.table))
    if besides := marks.BESIDES.match(text, group.end):
        more = read_group(text, besides.end(), found.table)
        if more is not None:
            return found.declare(Reading(group.letters + more.letters, group.start, more.end))
    chosen = _CHOSEN_BUT.search(text, max(0, mark.start() - 4), mark.start())
    if chosen and (others := _OTHER_OPTIONS.match(text, group.end)):
        found.judge_others(group.letters, group.start, group.end)  # 选择除C之外的选项
        return others.end()
    head, tail = group.split_loose()
    also = marks.ALSO.match(text, group.end) if tail is None else None
    more = read_group(text, also.end(), found.table) if also else tail
    if more is not None and text.startswith(("也", " 也"), more.end):
        found.judge(head, right=True)
        return more.start
    others = marks.OTHERS.match(text, group.end)
    end = others.end() if others else group.end
    if others and verdicts.WRONG.match(text, end):
        found.judge(group, right=True)
    elif ((others or mark["all_but"]) and _right(text, end, found)) or (
        (mark["all_but"] and cues.CLAUSE_END.match(text, end))  # "all except D."
        or (others and _ALL_OTHERS.search(others[0]) and _SENTENCE_END.match(text, end))
    ):
        found.judge(group, right=False)
        found.judge_others(group.letters, group.start, group.end)
    else:
        return None
    return end


def _except_text(text: str, mark: re.Match[str], found: Findings) -> int:
    """``All are symptoms except delusions.``: the answer where the exception is asked for; else the rest."""
    if not _EXCEPT.match(mark[0]):
        return mark.end()
    phrase = _PHRASE.match(text, mark.end(), mark.end() + found.table.reach)
    letters = found.table.from_text(phrase["said"]) if phrase else ""
    if not letters or phrase is None:
        return mark.end()
    if found.question.negative:
        return found.declare(Reading(letters, *phrase.span("said")))
    if mark["all_but"]:
        found.judge_others(letters, *phrase.span("said"))
    return phrase.end("said")


def _right(text: str, at: int, found: Findings) -> bool:
    """Whether the words at ``at`` say that the others are right."""
    rights = (verdicts.RIGHT, verdicts.ANNOUNCED, verdicts.BELONG, verdicts.SO_ARE)
    return (
        any(right.match(text, at) for right in rights) or claims(text, at, found.question, True) is not None
    )


def _told_before(text: str, mark: re.Match[str], found: Findings) -> str:
    """The one option whose text stands before ``the others``."""
    said = text[: mark.start()].lower()
    told = [letter for letter, own in found.table.texts.items() if own.lower() in said]
    return told[0] if len(told) == 1 else ""


def rest(text: str, mark: re.Match[str], found: Findings) -> int:
    """``A、C不对，其余正确``."""
    if _right(text, mark.end(), found) or (found.wrong and _ALL_CHOSEN.match(text, mark.end())):
        found.judge_others("".join(found.wrong) or _told_before(text, mark, found), mark.start(), mark.end())
    elif mark[0].startswith("剩") and found.declared is None:
        left = _LEFT.match(text, mark.end())
        group = read_group(text, left.end(), found.table) if left else None
        if group is not None and len(group.letters) == 1 and cues.CLAUSE_END.match(text, group.end):
            return found.declare(group.reading(found.table))
    return mark.end()


def every(text: str, mark: re.Match[str], found: Findings) -> int:
    """``四个选项都对``."""
    count = _COUNT.search(mark[0])
    if (
        count
        and found.mentioned
        and found.table.closed
        and _NUMBERS.index(count[0]) != len(found.table.letters)
    ):
        return mark.end()  # the three that are listed above
    if "全选" in mark[0] and (found.wrong or found.judged):
        return mark.end()  # 除A外，全选
    if letters := found.table.from_text(mark[0]):
        found.judge_letters(letters, mark.start(), mark.end())
    return mark.end()
