"""Which part of a reply answers the question that was asked.

A reply may copy the question or its options back, echo solved examples before its answer, or run on into a
question it made up. Collaborators: ``extract`` reads the parts that are given here, in their order.
Patterns on folded text (see ``spelling.py``).

Invariants:
- A copy of the question asked is no part: what stands after it is its answer.
- Other questions, and what answers them, are no part where the question asked is answered elsewhere, or where
  their options are known to be others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from rewards.extraction.options import OptionTable, phrase_key
from rewards.extraction.question import QuestionWording
from rewards.extraction.wording import overlap
from rewards.text.canonical import LETTERS

_ASKS = r"(?:\?|的(?:一?项|选项|说法)?(?:是|有|为|包括)|是|属于|包括|称为) ?:? ?[.。]?"
_MARKED = re.compile(
    r"(?! ?[a-z]+ :)[ #\-=>]{0,8}(?:"  # not the key of a JSON object
    r"(?P<certain>(?:以下是|下面是)[^\n]{0,40}(?:单选题|单项选择题|选择题|多选题|试题)|下一题|下一个问题"
    r"|新的?(?:题目?|问题)"
    r"|第? ?[一二三四五六七八九十\d]{1,3} ?题(?= ?[:.、\n])"
    r"|(?:(?i:human|user|instruction|input)|用户|人类|学生|提问者?) ?:)"
    r"|(?:题目|问题|例题|习题|试题|练习题?|例子|示例)(?: ?[一二三四五六七八九十\d]{1,3})? ?[:\n]"
    r"|(?i:question|problem|exercise|example|q)(?: ?\d{1,3})? ?[:.\n]"
    rf"|\d{{1,3}} ?[.、] ?(?=[^\n]{{4,300}}{_ASKS}(?:\n|$))"
    r"|(?P<maybe>\d{1,3} ?[.、] ?(?=[^\n]{4,300}[^\n:]\n ?A ?[.、:])"
    r"|(?=[A-Z][a-z][^\n]{5,300}\? ?\n ?A ?[.、:]))"
    rf"|(?=[^\nA-Z][^\n]{{5,300}}{_ASKS}\n ?A ?[.、:]))"
)
"""A line that may begin another question."""
_OPTIONS = re.compile(
    r"(?:^|[\n :;,。?.])A ?(?:选?项)?(?:[.、:,] ?| )(?P<a>[^\n]{1,200}?)(?:\n"
    r"|[ ;,。.])[ \-]{0,2}B ?(?:[.、:,] ?| )(?P<b>[^\n]{0,80})"
)
_LABEL = re.compile(r"(?<![A-Za-z])(?P<letter>[A-Z]) ?(?:选?项)?[.、:,—-]{0,2} ?$")
_NEXT_LABEL = re.compile(r"(?:选项)? ?(?P<letter>[A-Z]) ?[.、:,—-]{0,2} ?")
_LISTED = re.compile("[、,;]")
_BETWEEN = re.compile(r"[ \n;,。、.|\-•·\x03]{0,8}")
_SPOKEN_OF = re.compile(r" [a-z]{2,}(?:n't)? |(?:是|则|不|属于|并非|只是)[^\n]")
"""After an option's text: it is the subject of a sentence."""
_ANNOUNCED = re.compile(
    r"(?:答案|选|选择|应选|答|全选|都(?:是|正确|对)|均(?:为|正确)?|全部(?:正确|选)?"
    r"|(?i:answers?(?: (?:is|are))?|correct (?:options?|ones?|choices?)(?: are)?"
    r"|are all (?:correct|true|right)|select|choose))"
    r"(?:分别)?(?:应该?)?(?:是|为|有|包括|如下)?[: \n\-]*\Z"
)
"""Before options: all of them are chosen, not copied."""
_STEM_LIKE = re.compile(
    r"(?:下列|以下|关于|属于|包括|正确的|错误的|哪|(?i:which|following|what))[^\n]{0,200}\Z"
)
_ANSWERED = re.compile(r"\n ?(?i:answer|答案|a) ?:")
_THE_ANSWER = re.compile(r"\n ?(?i:answer|答案) ?:")
_OF_THE_OPTIONS = re.compile(
    r"选项|分析|逐|看|比较|(?i:option|choice|analy|consider|look|explanation|answer)|答案"
)
"""In the line before copied options: it speaks of them, and is no stem."""
_FAR_BACK = 240
LONGEST_CASE = 24
"""Letters and ideographs of a case before the same words that are compared with the case asked about."""
SAME_WORDS = 0.5
"""Words of a block's stem that the stem asked has, at least, where it repeats that in other words."""
SHORTEST_STEM = 8
"""Letters and ideographs of a stem that can be told from the one asked."""


class Part(NamedTuple):
    """A range of the folded reply.

    ``other`` where it belongs to a question that is not known to be the one asked, ``foreign`` where it is
    known to be another.
    """

    start: int
    end: int
    other: bool = False
    foreign: bool = False


def parts(text: str, table: OptionTable, question: QuestionWording) -> list[Part]:
    """The parts of the reply in the order in which they are asked for the answer; nearly always one."""
    copies = [Part(*copy) for copy in _copies(text, table)]
    marks = _other_questions(text, table, question, copies) if "\n" in text else []
    if not copies and not marks:
        return [Part(0, len(text))]
    blocks = {mark.start: end for mark, end in marks}
    copies = [c._replace(other=any(a <= c.start < b for a, b in blocks.items())) for c in copies]
    copies = [c if c.other else _of_another(text, c, table, question) for c in copies]
    edges = sorted([*copies, *(mark for mark, _ in marks)])
    found, before = [], Part(0, 0)
    for edge in edges:  # what stands between two edges belongs to the first
        if edge.start >= before.end:
            found.append(before._replace(start=before.end, end=edge.start))
        before = edge._replace(end=max(edge.end, before.end))
    found.append(before._replace(start=before.end, end=len(text)))
    told = [part for part in found if text[part.start : part.end].strip()]
    if len(told) == 1 and not (copies and told[0].foreign):
        return told  # the question asked in other words
    asked = [part for part in told if not part.other]
    return asked[::-1] + [part for part in told if part.other and not part.foreign]


def _copies(text: str, table: OptionTable) -> list[tuple[int, int]]:
    """Where all options stand in their order, each with its letter (or all without), and their stem."""
    if not table.closed or table.texts.get("A", "\0") not in text:
        return []
    texts = [table.texts.get(letter, "") for letter in table.letters]
    if len(texts) < 2 or not all(texts) or not all(own in text for own in texts):
        return []
    found: list[tuple[int, int]] = []
    at = 0
    while (begin := text.find(texts[0], at)) >= 0:
        at = begin + len(texts[0])
        end = _sequence_end(text, begin, texts)
        if end is None:
            continue
        label = _LABEL.search(text, max(0, begin - 6), begin)
        begin = label.start() if label else begin
        before = text[max(0, begin - _FAR_BACK) : begin]
        if not _ANNOUNCED.search(before):
            found.append((_stem_start(text, begin), end))
        at = end
    return found


def _sequence_end(text: str, at: int, texts: list[str]) -> int | None:
    """Where the last of the texts ends if they follow each other from ``at`` on, all labelled or none."""
    labelled, gap = _labelled(text, at, 0), None
    for place, own in enumerate(texts):
        if place:
            gap = _BETWEEN.match(text, at)
            if gap is None:  # never: it may be empty
                return None
            label = _NEXT_LABEL.match(text, gap.end())
            label = label if label and label["letter"] == LETTERS[place] else None
            if labelled != (label is not None) or (not labelled and _LISTED.search(gap[0])):
                return None  # 投射、否认、升华 is said, not copied
            at = label.end() if label else gap.end()
        if not text.startswith(own, at):
            return None
        at += len(own)
    if not labelled and "\n" in (gap[0] if gap else "") and _SPOKEN_OF.match(text, at):
        return None  # the last line says something of its option: those before it are a list
    rest = _BETWEEN.match(text, at)
    return at if (rest is not None and rest.end() > at) or at == len(text) else None


def _labelled(text: str, at: int, place: int) -> bool:
    label = _LABEL.search(text, max(0, at - 6), at)
    return label is not None and label["letter"] == LETTERS[place]


def _stem_start(text: str, at: int) -> int:
    """Where the stem before copied options begins: in their line, or the line above."""
    line = text.rfind("\n", 0, at) + 1
    if text[line:at].strip(" -•·"):
        return line
    above = text.rfind("\n", 0, max(0, line - 1)) + 1
    return above if _STEM_LIKE.search(text[above:line].rstrip()[-_FAR_BACK:]) else line


def _other_questions(
    text: str, table: OptionTable, question: QuestionWording, copies: list[Part]
) -> list[tuple[Part, int]]:
    """Where questions begin that are not known to be the one asked, and where each of them ends.

    A question with the same options is another where its stem is (the stem asked must be known).
    """
    lines = [0, *(newline + 1 for newline in _places(text, "\n"))]
    marked = [mark for line in lines if (mark := _MARKED.match(text, line))]
    found = []
    for place, mark in enumerate(marked):
        end = marked[place + 1].start() if place + 1 < len(marked) else len(text)
        block = text[mark.start() : end]
        listed = _OPTIONS.search(block)
        answered = question.key and mark.start() and _ANSWERED.search(block)
        if listed is None and not mark["certain"] and not answered:
            continue
        copied = next((copy for copy in copies if mark.start() <= copy.start < end), None)
        stem = text[mark.end() : copied.end] if copied and question.key else ""
        case = SHORTEST_STEM if mark["certain"] else LONGEST_CASE
        if copied is not None and not _another_stem(stem, question, table, case):
            continue
        if copied is None and _is_asked(block, listed, table, question):
            continue
        stem = block[: listed.start()] if listed and question.key and not table.closed else ""
        another = len(phrase_key(stem)) >= SHORTEST_STEM and overlap(stem, question).share < SAME_WORDS
        foreign = listed is not None and (table.closed or another) and not (copied or mark["maybe"])
        found.append((Part(mark.start(), mark.end(), other=True, foreign=foreign), end))
    return found


def _of_another(text: str, copy: Part, table: OptionTable, question: QuestionWording) -> Part:
    """The copied options as another question's, with its stem, where the line before them says so."""
    begin = text.find(table.texts["A"], copy.start)
    line = text.rfind("\n", 0, begin) + 1
    if len(text[line:begin]) < SHORTEST_STEM and line:
        line = text.rfind("\n", 0, line - 1) + 1
    stem = text[line:begin]
    if not line or not question.key or _OF_THE_OPTIONS.search(stem):
        return copy
    return Part(line, copy.end, other=True) if _another_stem(text[line:], question, table) else copy


def _another_stem(
    copied: str, question: QuestionWording, table: OptionTable, shortest_case: int = LONGEST_CASE
) -> bool:
    """Whether copied options stand under a stem of some length that is not the one asked.

    ``shortest_case``: letters and ideographs, at least, of a case before the same words that is another.
    """
    begin = copied.find(table.texts.get("A", "\n"))
    key = phrase_key(copied[:begin]) if begin > 0 else ""
    if len(key) < SHORTEST_STEM or question.key[-24:] not in key:
        return len(key) >= SHORTEST_STEM
    case, same = key.split(question.key[-24:], maxsplit=1)[0], question.whole
    return len(case) >= shortest_case and case[-LONGEST_CASE:] not in same and case[:LONGEST_CASE] not in same


def _places(text: str, character: str) -> Iterator[int]:
    at = text.find(character)
    while at >= 0:
        yield at
        at = text.find(character, at + 1)


def _is_asked(
    block: str, listed: re.Match[str] | None, table: OptionTable, question: QuestionWording
) -> bool:
    """Whether a block of the reply repeats the question asked: its stem, or its first options."""
    key = question.key if len(question.key) >= SHORTEST_STEM else question.whole
    if key and key[-24:] in phrase_key(block[:2000]):
        return True
    if listed is None or not table.closed:
        return False
    first, second = table.texts.get("A", ""), table.texts.get("B", "")
    others = any(own not in block for own in table.texts.values())
    stem = block[: listed.start()]
    if (
        others
        and question.key
        and len(phrase_key(stem)) >= SHORTEST_STEM
        and _THE_ANSWER.search(block)
        and overlap(stem, question).share < SAME_WORDS
    ):
        return False  # some options are the same by chance
    return bool(first) and listed["a"].startswith(first[:12]) and listed["b"].startswith(second[:12])
