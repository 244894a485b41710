"""Verdicts on letters (``A错误，B正确``, ``✅ A``, ``以上都对``) and letters without a cue."""

from __future__ import annotations

import re

from rewards.extraction import cues, marks, verdicts
from rewards.extraction.far import SENTENCE_START, far_verdict
from rewards.extraction.findings import Findings
from rewards.extraction.groups import LetterGroup, all_may_be, read_group
from rewards.extraction.predicates import asked_for, claimed, claims, is_kind
from rewards.extraction.reading import Reading
from rewards.extraction.supposed import left_open, not_said_of_them
from rewards.extraction.tenable import tenable, tenable_too

_NOTHING_SAID = "。\n;!\x03"
"""After letters: no verdict follows."""
_MORE = re.compile(r"(?:还有|再?加上|外加)(?:选项)? ?\Z")
_NOT_THE_ANSWER = re.compile(
    r" (?:is|are)(?: not|n't) (?:the|an?) (?:correct |right |best )?answers?\b|(?:选?项)?(?:不是"
    r"|并非)(?:正确|最佳)?答案"
)
_SENTENCE = re.compile(r"[^。;!?\n]*\Z")
_OTHER_LETTER = re.compile(r"(?<![A-Za-z0-9'-])[A-H](?![A-Za-z0-9'-])(?! [a-z])[^.。]*\Z")
_TOO = re.compile(r" (?:too|as well|also)\b")
_ALSO = re.compile(r"也|同样|\b(?:also|too|as well)\b")
_SHARED_WORDS = re.compile("[\u4e00-\u9fff]{2,20}")
"""After 都是: what it is."""
_ONLY = re.compile(r"(?:\b[Oo]nly (?:option |choice )?|[只唯仅]有(?:选项)?) ?\Z")


def letters(text: str, mark: re.Match[str], found: Findings) -> int:
    """Letters without a cue: a verdict or an announcement may follow them."""
    group = read_group(text, mark.start(), found.table)
    if group is None:
        return mark.end()
    if found.declared and not found.corrected and _MORE.search(text, group.start - 4, group.start):
        return _add(text, group, found)
    if found.declared is None and found.judged and tenable_too(text, group, found.table):
        return alternative(group.reading(found.table), found, found.judged_reading()) or found.mention(group)
    silent = group.end == len(text) or text[group.end] in _NOTHING_SAID
    if group.hedged and found.declared is None and (silent or cues.CLAUSE_END.match(text, group.end)):
        return found.declare(group.reading(found.table))
    if silent:
        return _only(text, group, found) or found.mention(group)
    return _judged(text, group, found)


def _judged(text: str, group: LetterGroup, found: Findings) -> int:
    """Letters that something is said of; returns where it ends."""
    if all_may_be(text, group.end):
        found.declare(group.reading(found.table))
    elif tenable(text, group):
        return found.declare(group._replace(hedged=True).reading(found.table))
    elif marks.ALSO_POSSIBLE.match(text, group.end) and (
        end := alternative(group.reading(found.table), found)
    ):
        return end
    if len(group.letters) == 1 and _ONLY.search(text, max(0, group.start - 20), group.start):
        if verdicts.WRONG.match(text, group.end):
            if found.question.several and not found.question.negative:
                found.judge_others(group.letters, group.start, group.end)
        else:
            found.judged.clear()  # what was right of others is not what is asked
    head, tail = group.split_loose()
    if tail and len(head.items) == 1 and _both_are_all(head.letters, tail, found):
        found.mention(head)
        group = tail  # ABC,D不对
    elif tail and set(tail.letters) < set(head.letters):
        group = tail  # between A and C, C is better
    return (
        verdict(text, group, found)
        or shared_verdict(text, group, found)
        or far_verdict(text, group, found)
        or _only(text, group, found)
        or found.mention(group)
    )


def _both_are_all(head: str, tail: LetterGroup, found: Findings) -> bool:
    """Whether letters before a comma and those after it are two sides, of which the second is judged."""
    if len(head) > 1 and len(tail.letters) == 1:
        return True
    return len(tail.items) > 1 and set(head + tail.letters) == set(found.table.letters)


def _add(text: str, group: LetterGroup, found: Findings) -> int:
    """``答案是A、B。还有D。``: one more of those stated before."""
    before = found.declared
    if before is None or not cues.CLAUSE_END.match(text, group.end):
        return found.mention(group)
    return found.declare(Reading(before.letters + group.letters, before.start, group.end, before.trouble))


def _add_to(before: Reading, group: LetterGroup, end: int, found: Findings) -> int:
    """``答案：A和B，D也对``: letters that are right too."""
    found.declare(Reading(before.letters + group.letters, before.start, group.end, before.trouble))
    return end


def alternative(reading: Reading, found: Findings, judged: Reading | None = None) -> int | None:
    """Another possibility beside what was declared, or what was judged right: ambiguous."""
    before = found.declared or judged
    if before is None or set(before.letters) == set(reading.letters):
        return None
    return found.declare(Reading(before.letters + reading.letters, before.start, reading.end, "ambiguous"))


def verdict(text: str, group: LetterGroup, found: Findings) -> int | None:
    """Note what the words after the group say of it; returns where they end, None where they say nothing."""
    end = group.end
    if end == len(text) or text[end] in _NOTHING_SAID:
        return None
    announced = verdicts.ANNOUNCED.match(text, end)
    if announced and (
        text.startswith("?", announced.end())
        or marks.GIVEN_BY_OTHERS.search(text, max(0, group.start - 60), group.start)
    ):
        return announced.end()
    if announced:
        return _announced(text, announced, group, found)
    label = verdicts.LABEL.match(text, end)
    by_full_stops = len(group.items) > 1 and text[group.items[0].end] == "."
    if label and (len(group.letters) == 1 or by_full_stops or "." not in label[0]):
        end = label.end()
    wrong = verdicts.WRONG.match(text, end)
    if wrong and not (wrong[0][-1] == "非" and text[wrong.end() - 1 : wrong.end() + 2] in found.question.key):
        return _judged_wrong(text, wrong, group, found)
    seems = verdicts.SEEMS_RIGHT.match(text, end)
    if seems and SENTENCE_START.search(text, group.start - 9, group.start):
        found.judge(group, right=True)
        return seems.end()
    right = verdicts.RIGHT.match(text, end)
    return _judged_right(text, right, group, found) if right else _described(text, end, group, found)


def _announced(text: str, announced: re.Match[str], group: LetterGroup, found: Findings) -> int:
    """``B is the answer``; none in one case of several, and another one in ``B当选，C当选``."""
    reading, before = group.reading(found.table), found.declared
    if left_open(text, group.start):
        return found.suppose(reading._replace(trouble="ambiguous"))
    if before and not found.corrected and verdicts.elected(text, before.end, group.end):
        return _add_to(before, group, group.end, found)
    found.declare(reading)
    return announced.end()


def _described(text: str, end: int, group: LetterGroup, found: Findings) -> int | None:
    """Letters of which a clause says what the question is after, in its words or naming it."""
    if (chosen := verdicts.CHOSEN.match(text, group.end)) and not group.hedged:
        before = found.declared if _TOO.match(text, chosen.end()) else None
        if before and not cues.ANY_LETTER.search(text, before.end, group.start):
            return _add_to(before, group, chosen.end(), found)
        found.judge(group, right=True, of_the_answer=True)
        return chosen.end()
    return _belongs(text, end, group, found)


def _judged_wrong(text: str, wrong: re.Match[str], group: LetterGroup, found: Findings) -> int:
    """``B错误``; ``B错，是C`` states C."""
    found.judge(group, right=False, of_the_answer=verdicts.of_the_answer(wrong))
    if "唯一" in wrong[0] and "的" in wrong[0] and not found.question.negative:
        found.judge_others(group.letters, group.start, group.end)  # A是唯一需要淘汰的选项
    if found.declared and _NOT_THE_ANSWER.match(text, group.end):
        found.removed.update(group.letters)
    instead = marks.INSTEAD.match(text, wrong.end())
    chosen = read_group(text, instead.end(), found.table) if instead else None
    if chosen is not None and cues.CLAUSE_END.match(text, chosen.end):
        return found.declare(chosen.reading(found.table))
    return wrong.end()


def _judged_right(text: str, right: re.Match[str], group: LetterGroup, found: Findings) -> int:
    """``A正确``, ``A is correct, and so is D``; asked, hedged or not chosen in spite of it."""
    of_the_answer = verdicts.of_the_answer(right)
    asked = marks.QUESTION.match(text, right.end())
    opposite = found.question.polarity == "false" and "最" in right[0] and not of_the_answer
    opposite = opposite or (found.question.of_myths and verdicts.NO_MYTH.match(text, group.end) is not None)
    if asked or opposite or not_said_of_them(text, group.start):
        return asked.end() if asked else found.mention(group)
    if group.hedged:
        found.declare(group.reading(found.table))
        return right.end()
    if verdicts.YET_NOT_CHOSEN.match(text, right.end()):
        found.judge(group, right=False, of_the_answer=True)
        return right.end()
    if _ALSO.search(right[0]):
        before = found.declared
        if before and not found.corrected and not cues.ANY_LETTER.search(text, before.end, group.start):
            return _add_to(before, group, right.end(), found)
        opening = None if before or found.judged or found.wrong else read_group(text, 0, found.table)
        if opening and opening.end < group.start and cues.CLAUSE_END.match(text, opening.end):
            found.judge(opening, right=True)  # A、C。另外E也是
    found.judge(group, right=True, of_the_answer=of_the_answer)
    same = verdicts.SO_IS.match(text, right.end())
    more = read_group(text, same.end(), found.table) if same else None
    if more is None or not cues.CLAUSE_END.match(text, more.end):
        return right.end()
    found.judge(more, right=True, of_the_answer=of_the_answer)
    return more.end


def _belongs(text: str, at: int, group: LetterGroup, found: Findings) -> int | None:
    """``A属于``: the verb that the question asks with."""
    if not found.question.key or cues.HYPOTHETICAL.search(text, max(0, group.start - 40), group.start):
        return None
    verb = verdicts.BELONGS.match(text, at)
    if verb is None or (verb["verb"] or "") not in found.question.key:
        done = verdicts.DONE.match(text, group.end)
        if done and found.question.says(done["done"]):
            found.judge(group, right=True)
            return done.end()
        verb = verdicts.PREDICATE.match(text, group.end)
        if (
            verb is None
            or (verb["english"] and len(group.letters) == 1)
            or not asked_for(verb["said"] or verb["english"], found.question.key)
        ):
            return _claimed(text, group, found)
    found.judge(group, right=True)
    return verb.end()


def _claimed(text: str, group: LetterGroup, found: Findings) -> int | None:
    """``A, B and D are characteristics of groupthink``: what the question asks, said of letters."""
    several = len(set(group.letters)) > 1
    if group.hedged or verdicts.THE_OTHERS.search(text, max(0, group.start - 24), group.start):
        return None
    claim = claims(text, group.end, found.question, several)
    if claim is None:
        return _contrasted(text, group, found) if several else None
    listed = _listed_before(text, group, found)
    if listed is None:
        return None
    found.judge(group, right=True, of_the_answer=claim[0] == "answer")
    found.judge_letters(listed, group.start, group.end)
    return claim[1]


def _listed_before(text: str, group: LetterGroup, found: Findings) -> str | None:
    """The letters before the group in a list with texts (``甲（A）、乙（B）``); None if it cannot be read."""
    sentence = _SENTENCE.search(text, max(0, group.start - found.table.reach), group.start)
    before = sentence[0] if sentence else ""
    if not _OTHER_LETTER.search(before) or verdicts.REJECTED.search(before):
        return ""
    said = (before + text[group.start : group.end]).lower()
    places = sorted(at for own in found.table.texts.values() if (at := said.find(own.lower())) >= 0)
    return next((run for at in places if (run := found.table.from_text(said[at:]))), None)


def _contrasted(text: str, group: LetterGroup, found: Findings) -> int | None:
    """``A, B and D are criteria; C isn't``: all the others are denied what these are."""
    contrast = verdicts.CONTRAST.match(text, group.end) if found.table.closed else None
    if contrast is None or found.question.negative:
        return None
    others = set(contrast["rest"] or contrast["other"]) & set(found.table.letters)
    if others & set(group.letters) or others | set(group.letters) != set(found.table.letters):
        return None
    found.judge(group, right=True)
    return group.end


def shared_verdict(text: str, group: LetterGroup, found: Findings) -> int | None:
    """``A、B、D都是症状``: what several letters have in common is why they are chosen."""
    several = len(set(group.letters)) > 1 and not group.hedged
    shared = verdicts.SHARED.match(text, group.end) if several else None
    if shared is None or _of_the_kind(text, shared.end(), group, found):
        return None
    found.judge(group, right=True)
    return shared.end()


def _of_the_kind(text: str, at: int, group: LetterGroup, found: Findings) -> bool:
    """Whether the letters only share what kind of thing they are, or are the others of a single choice."""
    said = _SHARED_WORDS.match(text, at) if found.question.key and not found.question.negative else None
    if said is None:
        return False
    others = len(group.letters) + 1 == len(found.table.letters) and not found.question.several
    untold = claimed(said[0], found.question, several=True) is None
    return (others and untold) or is_kind(said[0], found.question)


def _only(text: str, group: LetterGroup, found: Findings) -> int | None:
    """``Only C describes this``: one letter that nothing speaks against."""
    if group.start == 0 or len(group.letters) > 1 or not _ONLY.search(text, group.start - 20, group.start):
        return None
    if cues.CLAUSE_END.match(text, group.end) is None and not verdicts.CLAIMS.match(text, group.end):
        return None
    found.judge(group, right=True, of_the_answer=True)
    return group.end


def tick(text: str, mark: re.Match[str], found: Findings) -> int:
    """``✅ A. …``."""
    group = read_group(text, mark.end(), found.table)
    if group is None:
        return mark.end()
    found.judge(group, right=mark["yes"] is not None)
    return group.end
