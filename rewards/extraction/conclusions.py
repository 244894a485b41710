"""Letters that a sentence ends with after words that conclude, where no cue has stated any.

``Put together: A, B.``, ``That gives us C.``, ``由此可得：B``, ``正确：①A ②B``, a last sentence of letters.
Collaborators: ``reply_rules`` asks it before verdicts are counted. Invariants:
- The letters end their clause, nothing in their sentence negates or supposes them, and nobody else says them.
- The last such sentence counts.
"""

from __future__ import annotations

import re
from functools import cached_property

from rewards.extraction import cues, marks
from rewards.extraction.best_fit import AFTER, fits_best
from rewards.extraction.groups import LetterGroup, read_group
from rewards.extraction.labelled import read_labelled
from rewards.extraction.leads import FALSE_ONES, LEAD, NEGATES, TRUE_ONES, spoilt_sentence
from rewards.extraction.options import OptionTable
from rewards.extraction.predicates import claimed
from rewards.extraction.question import QuestionWording
from rewards.extraction.reading import Reading
from rewards.extraction.walks import announces_walk
from rewards.text.canonical import LETTERS

_PLACE = re.compile(r"(?:(?<![A-Za-z0-9./\\&'-])|(?<=:\d)|(?<=: \d))(?=[A-Z](?![a-z']))")
_CLAUSE_END = re.compile(
    cues.END
    + r"|(?= ?[—–] )|(?:就|即|便)?(?:可以?|行|好|够|对)(?:了|啦)?"
    + cues.END
    + r"|(?: in)?,? (?:and|but|with|while) (?:leave|leaving|reject|rejecting|drop|dropping|exclude"
    r"|excluding) [A-H]\b"
    + r"|(?: in)?,? (?:and )?[A-H](?:(?:, | and |, and )[A-H]){0,3} out\b|(?: as| to be) (?:questionable"
    r"|correct|true|right|relevant|valid)"
    + cues.END
    + r"| (?:describes?|claims?|says?|states?|puts? it|suggests?)(?: it)?"
    + cues.END
    + r"| that (?:was|is|were|are|has|does|did)\b"
    + r"| that (?:we|you|the question|it)(?:'re|'s| are| is| asks?| wants?)? ?(?:after|looking for|want"
    r"|need|asked? for|for)?" + cues.END + r"| ?[两三四五六][个种项类](?:情[境况]|选?项|说法|者)?" + cues.END
)
_BREAKS = re.compile(r"[。!?;\n]|\.(?= |$|\n)")
_WORD_OPTION = re.compile(
    r"(?:\b[Oo]ptions?|\b[Cc]hoices?|\b[Ll]etters?|\b[Ss]tatements?|选项|only|just|both)? ?\Z"
)
_OF_THE_OTHERS = re.compile(
    r"(?:\b(?:[Oo]ther|[Rr]emaining)(?: [a-z]+){0,2}|\b[Tt]he (?:others|rest)|(?:其[余他它]"
    r"|另外)[^,。;:\n]{0,6})[,:(]? ?\Z"
)
"""Before letters: they are the others."""
_WEAK = re.compile(
    r"(?i:\b(?:example|instance|case|illustration|form|type) of|\b(?:illustrates|exemplifies|reflects"
    r"|demonstrates|represents|depicts|showing|using|demonstrating|displaying|exhibiting|experiencing))"
    r" ?\Z|(?:体现|反映|说明|运用|使用|采用)(?:了|的)? ?\Z"
)
_EVERY_IS = re.compile(
    r"(?:(?<=[,。;\n ])|^|(?<=以)|(?<=此))(?:以上|上述|所有|全部|这?[三四五六]个?)(?:各?选?项|各?选项|说法"
    r"|内容|者|因素|的|因此|无一例外地?){0,3}[都均皆]+(?:应该?|可以|要|是|为|属于|符合|会|能)"
    r"(?P<said>[^,。;!?\n]{2,30})(?=$|[,。;!\n])"
)
_ALL_BUT = re.compile(rf"^(?:so )?{marks.ALL_BUT.pattern} [^,;:]{{3,60}}")
_LABELLED = re.compile(r"(?:^|[\n。;•|>-]|[.,] ) ?(?:选项|[Oo]ption )? ?[A-Z](?: ?选?项)? ?[.、:—–]")
_ENDS = re.compile(r" ?[.。!]?[ \n]*\Z")
_LAST_SENTENCE = re.compile(
    r"(?:[.。!?] ?|[a-z\u4e00-\u9fff];|\d,|[\u4e00-\u9fff](?<!吧),|(?i:(?:^|[.!?] )(?:since|as|because"
    r"|given|based|by|with)\b[^.!?\n]*), "
    r"|(?:=|→|[-=]>) ?)\Z"
)
_OTHER_LETTER = re.compile(r"(?<![A-Za-z0-9'-])[A-H](?![A-Za-z0-9'-])(?! [a-z])")
_TOGETHER = re.compile("and|&|和|及|与|、")
_LEFT = re.compile(
    r"剩[下余]?(?:了|的)?(?:是|为)? ?\Z|(?i:\b(?:leaves?|left with|remains?)(?: us)?(?: with)?) ?\Z"
)
_ENDS_A_LINE = re.compile(r"[。;.!?] ?([A-H])(?= ?\n)|(?:=|→|[-=]>) ?([A-H])(?= ?[,;。.\n])")
_TITLE = re.compile(r"\b(?:Dr|Mr|Mrs|Ms|Prof|vs|No|Fig|St)\. ?\Z")
_MAKES = re.compile(r"(?i:\b(?:mak(?:es|ing)|leav(?:es|ing)|identif(?:ies|ying)|mark(?:s|ing))) ?\Z")
_THE_EXCEPTION = re.compile(
    r"(?: as)? (?:the|an) (?:exception|odd one out|outlier|incorrect|false|one that)\b"
)
_LIST_MARK = re.compile(r"[ \n]*(?:[•·-]|\n ?\d{1,2}[.、])? ?\Z")
MOST_LETTERS = 1_000
REACH = 90
"""Characters of a sentence before letters that are looked at."""


class Conclusions:
    """What the sentences of a text conclude; they are read once, when first asked for."""

    def __init__(self, text: str, table: OptionTable, question: QuestionWording) -> None:
        self._of = text, table, question

    def firm(self) -> Reading | None:
        """The letters of the last sentence that concludes."""
        return self._read[0] or _every_is(*self._of)

    def weak(self) -> Reading | None:
        """The letters that are the last sentence, or follow words that may conclude; only one set of them."""
        text, table, _ = self._of
        weak = self._read[1]
        one = len({reading.letters for reading in weak}) == 1
        return _last_sentence(text, table) or (weak[-1] if one else None)

    @cached_property
    def _read(self) -> tuple[Reading | None, list[Reading]]:
        return _read(*self._of)


def _read(text: str, table: OptionTable, question: QuestionWording) -> tuple[Reading | None, list[Reading]]:
    """The letters of the last sentence that concludes, and of all that may."""
    found: Reading | None = None
    weak: list[Reading] = []
    at = places = 0
    while place := _PLACE.search(text, at):
        if (places := places + 1) > MOST_LETTERS:
            return None, []  # none that answers has so many
        at = place.end() + 1
        group = read_group(text, place.end(), table)
        if group is None:
            continue
        head, tail = group.split_loose()
        if tail and not _ended(text, group) and not _one_list(text, head, tail):
            group = head
        at = group.end
        if group.hedged or not table.exists(group.letters):
            continue
        best = not question.negative and AFTER.match(text, group.end) is not None
        ended = best or _ended(text, group)
        if not ended and not question.negative:
            continue
        before = _sentence(text, place.start())
        if (
            question.negative
            and (
                (_MAKES.search(before) and _THE_EXCEPTION.match(text, group.end))
                or (FALSE_ONES.search(before) and ended)
            )
        ) or (ended and _all_but(before, group, table)):
            found = read_labelled(text, group, table).reading(table)
        elif not ended or _spoilt(text, place.start(), before):
            continue
        elif len(group.letters) > 1 and not question.several and _LEFT.search(before):
            continue  # between these it is
        elif _concludes(before, question, best) and not _all_listed(group, table):
            found = read_labelled(text, group, table).reading(table)
        elif len(group.letters) == 1 and (_WEAK.search(before) or _beside(before, group.letters, table)):
            weak.append(group.reading(table))
    return found, weak


def _concludes(before: str, question: QuestionWording, best: bool) -> bool:
    """Whether what stands before letters in their sentence makes them a conclusion."""
    if not best and LEAD.search(before):
        return True
    true = not question.negative and not best and TRUE_ONES.search(before) is not None
    return true or (not question.negative and fits_best(before, best))


def _sentence(text: str, at: int) -> str:
    """What stands before letters in their sentence, without the word option."""
    before = text[max(0, at - REACH) : at]
    tail = _LIST_MARK.sub("", before)
    before = tail + " " if tail.endswith(":") else before  # a list below its heading
    sentence = _BREAKS.split(before)[-1]
    word = _WORD_OPTION.search(sentence)
    return sentence[: word.start()].lstrip(" •·-") if word else sentence


def _beside(before: str, letter: str, table: OptionTable) -> bool:
    """Whether the letter's own text stands before it, with a dash or comma: ``this is升华 — C``."""
    said = before.rstrip(" ")
    own = table.texts.get(letter)
    return (
        own is not None
        and said.endswith(("-", "—", "–", ",", ":", "→", ">", "="))
        and said.rstrip(" -—–,:→>=").lower().endswith(own.lower())
        and len(said.rstrip(" -—–,:→>=")) > len(own)
        and _OTHER_LETTER.search(before) is None
    )


def _spoilt(text: str, at: int, sentence: str) -> bool:
    return bool(
        spoilt_sentence(sentence)
        or _OF_THE_OTHERS.search(text, max(0, at - 24), at)
        or marks.OF_SOMEONE.search(text, at - 24, at)
        or cues.EXAMPLE.search(text, max(0, at - 40), at)
        or cues.PLEASE.search(text, max(0, at - 24), at)
        or ("\n" in text[max(0, at - 2) : at] and announces_walk(sentence))
    )


def _one_list(text: str, head: LetterGroup, tail: LetterGroup) -> bool:
    """Whether what follows a comma belongs to the letters before it: ``A, C and E``."""
    together = _TOGETHER.search(text, head.end, tail.start)
    return bool(together) or (len(tail.items) > 1 and " and " in text[tail.start : tail.end])


def _all_but(sentence: str, group: LetterGroup, table: OptionTable) -> bool:
    """``All of the above except electric shocks, then: A, B and C``."""
    return (
        table.closed
        and len(set(group.letters)) + 1 == len(table.letters)
        and _ALL_BUT.search(sentence) is not None
    )


def _ended(text: str, group: LetterGroup) -> bool:
    labelled = group.end < len(text) and text[group.end] in ".:—–" and text[group.start - 1] in "\n -•·"
    return bool(_CLAUSE_END.match(text, group.end)) or labelled


def _all_listed(group: LetterGroup, table: OptionTable) -> bool:
    return table.closed and set(group.letters) == set(table.letters)


def _last_sentence(text: str, table: OptionTable) -> Reading | None:
    """Letters that are the whole last sentence, where no option is discussed by its letter."""
    end = text.rstrip(" \n.。!")
    begin = len(end)
    while begin and (end[begin - 1] in "ABCDEFGH、,& " or end[begin - 4 : begin] == "and "):
        begin -= 1
        if len(end) - begin > REACH:
            return None
    while begin < len(end) and not ("A" <= end[begin] <= "Z"):
        begin += 1
    group = read_group(text, begin, table) if begin < len(end) else None
    if group is None or group.hedged or not table.exists(group.letters) or not _ENDS.match(text, group.end):
        return None
    before = text[max(0, group.start - REACH) : group.start]
    own = table.texts.get(group.letters, "\n").lower()
    told = before.lower().rstrip(" :,").endswith(own)
    ends_a_line = any((m[1] or m[2]) != group.letters for m in _ENDS_A_LINE.finditer(text, 0, group.start))
    sentence = told or _LAST_SENTENCE.search(before)
    if ends_a_line or not sentence or _TITLE.search(before) or _LABELLED.search(text, 0, group.start):
        return None
    if told or before.rstrip().endswith((",", ";")):
        last = before.rstrip(" .。!?,:")
        last = last[max(last.rfind(x) for x in ".。!?\n") + 1 :]
        if NEGATES.search(last) or cues.ANY_LETTER.search(last):
            return None
    if told and before.rstrip().rfind("\n") >= 0 and _OTHER_LETTER.search(before):
        return None  # the last of a list
    return group.reading(table)


def _every_is(text: str, table: OptionTable, question: QuestionWording) -> Reading | None:
    """``以上选项都是影响人际吸引的因素``: all options, in the question's words."""
    if not table.closed or question.negative or ("都" not in text and "均" not in text):
        return None
    every = _EVERY_IS.search(text) if question.key else None
    of_letters = every is not None and text[: every.start()].rstrip(" ")[-1:] in LETTERS
    if every and not of_letters and claimed(every["said"], question, True):
        return Reading(table.all_of_above, *every.span())
    return None
