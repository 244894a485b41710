"""The letters that a reply without a statement opens or closes with, before prose: ``D。解析：…``.

Collaborators: ``extract`` asks it where letters alone (``bare.py``) say nothing.
Invariants:
- Where other letters begin clauses too, each is discussed, and none of them is the answer.
- A letter that was judged wrong is none.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from rewards.extraction import verdicts
from rewards.extraction.groups import LetterGroup, read_group
from rewards.extraction.options import OptionTable
from rewards.extraction.reading import Reading

_FIRST_LINE = re.compile(r"[\s\-•·>|]{0,20}")
_LAST_LINE = re.compile(r"[ \-•·>|]*")
_EXPLAINED = re.compile(
    r"(?: (?:only|alone))?(?:,? (?:and )?(?:not|rather than"
    r"|instead of) (?:option )?[A-H])?[ .。,:;!、\n\x03—–-]{0,6}(?:答案)?(?:解析|解释|分析|理由|原因|因为"
    r"|由于"
    r"|说明"
    r"|依据|根据|考点|本题|这是|其[他余它]"
    r"|(?i:as (?:he|she|it|they|the|this|these|that)|because|since|given|explanation|reason|rationale"
    r"|analysis|the reason)\b)"
)
"""After letters: their explanation begins."""
_PROSE = re.compile(
    r" ?(?:选?项| only| alone)? ?(?!: ?[A-Z](?![A-Za-z]| [a-z]))[.。:,、;—–-] ?(?=[^\n])|[ ]?[。.]?\n"
)
_TITLED = re.compile(r" (?=[A-Z][a-z]{2,}(?: [a-z-]{2,}){0,6}\. [A-Z])")
"""After a letter whose bracket is folded away: ``B) Bulimia nervosa. She …``, the options unknown."""
_DISCUSSED = re.compile(
    r"(?:^|[\n。;•|>]|[.,] )[ \-]?(?:选项|[Oo]ption )? ?(?P<letter>[A-Z])(?: ?选?项(?=.)"
    r"|(?: ?选?项)?(?: ?[.、:,—–-])"
    r"| (?=[^\nA-Z]))"
)
_SENTENCE_ENDS = re.compile(r"(?<=[.。]) | ?(?:[。!\n]|\. )")
_DENIES = re.compile(
    r"[^。!\n]{0,60}(?:不|非|错|误|另一|另外|别的|其他|干扰|\b(?:not|incorrect|wrong|false|another"
    r"|distractor|else"
    r"|unrelated|elsewhere|different)\b|n't\b)"
)
"""After a letter that opens the last line: it is rejected."""
_LINE_ENDS = re.compile(r" ?[.。]?\n")
_OTHER = re.compile(r"(?<![A-Za-z0-9'./-])[A-H](?![A-Za-z0-9'/-])(?! [a-z])")
_BEGINS_SENTENCE = re.compile(r"[.。!][ \n](?P<letter>[A-H])(?= ?(?:[—–:]|- ))")
"""In the midst of a reply: a letter before its explanation."""
_TOGETHER = re.compile("and|&|和|及|与")
_STOPS = re.compile(r"(?: only| alone)? ?[;。.]")
_LABELLED = re.compile(r"(?:^|[\n。;•|>]|[.,] )[ \-]?(?P<letter>[A-Z]) ?[.、:–—](?! ?[A-Z](?![a-z]))")
"""Where options are listed with their labels; after an answer, prose on the others is none."""
_STOPS_OR_DASH = (".", "。", "–", "—")
_DIALOGUE = re.compile(r"(?:^|\n) ?Q ?[:.]")
_ASKED = re.compile(r"[^。.!\n]*\?")


def leading_letters(text: str, table: OptionTable, wrong: Collection[str]) -> Reading | None:
    """The letters before prose at the beginning of the folded reply, else of its last line."""
    begin = _FIRST_LINE.match(text)
    places = [begin.end() if begin else 0]
    last = _LAST_LINE.match(text, text.rstrip().rfind("\n") + 1)
    if last is not None and last.end() not in places:
        places.append(last.end())
    for at in places:
        group = read_group(text, at, table)
        if group is not None:
            head, tail = group.split_loose()
            spoken = tail and (
                verdicts.SPOKEN_OF.match(text, tail.end) or verdicts.WRONG.match(text, tail.end)
            )
            if spoken and tail and _TOGETHER.search(text, head.end, tail.start):
                continue  # A, B and D are …: one subject
            group = head if spoken else group
        if group is not None and _before_prose(text, group, table, wrong):
            return group.reading(table)
    return _lone_letter(text, table, wrong)


def opening_option(text: str, table: OptionTable) -> Reading | None:
    """One option, by letter and text, that is all of the first line above prose."""
    begin = _FIRST_LINE.match(text)
    group = read_group(text, begin.end() if begin else 0, table)
    if (
        group is None
        or len(group.letters) != 1
        or not group.items[0].told
        or not _LINE_ENDS.match(text, group.end)
    ):
        return None
    return None if _LABELLED.search(text, group.end) else group.reading(table)


def _lone_letter(text: str, table: OptionTable, wrong: Collection[str]) -> Reading | None:
    """The only letter of a reply, where it begins a sentence with a dash or colon after it."""
    found = _OTHER.findall(text)
    begins = _BEGINS_SENTENCE.search(text) if len(found) == 1 and not wrong else None
    group = read_group(text, begins.start("letter"), table) if begins else None
    if group is None or not table.exists(group.letters):
        return None
    spoken = _DENIES.match(text, group.end) or _ASKED.match(text, group.end)
    return None if spoken else group.reading(table)


def _amid_others(text: str, group: LetterGroup, wrong: Collection[str]) -> bool:
    """Whether letters of the last line are rejected there, or others stand before them."""
    if not text[: group.start].strip(" \n-•*>|").removeprefix("选项").removeprefix("Option"):
        return False
    before = (m[0] for m in _OTHER.finditer(text, 0, group.start))
    return _DENIES.match(text, group.end) is not None or any(
        letter not in group.letters and letter not in wrong for letter in before
    )


def _taken_out(text: str, group: LetterGroup, table: OptionTable) -> bool:
    """Whether a reply opens with one option and its text, and then explains all the others in their order."""
    if text[: group.start].strip() or len(group.letters) > 1 or group.letters == "A":
        return False
    if not (group.items[-1].told and table.closed):
        return False
    labels = [m["letter"] for m in _LABELLED.finditer(text, group.end)]
    return "".join(labels) == table.letters.replace(group.letters, "")


def _all_told(text: str, table: OptionTable) -> bool:
    """Whether every option stands there with its letter and text, in their order, each explained."""
    at = 0
    for letter in table.letters:
        own = table.texts.get(letter, "\n")
        at = text.find(letter + own, at)
        if at < 0 or not text.startswith(("是", "指", "为", "则", "强调"), at + 1 + len(own)):
            return False
    return True


def _before_prose(text: str, group: LetterGroup, table: OptionTable, wrong: Collection[str]) -> bool:
    explained = group.items[-1].told and _all_told(text, table)
    if explained or not table.exists(group.letters) or any(letter in wrong for letter in group.letters):
        return False
    dialogue = group.letters == "A" and _DIALOGUE.search(text)
    if dialogue or _ASKED.match(text, group.end) or _amid_others(text, group, wrong):
        return False
    begins_prose = group.items[-1].told or bool(_PROSE.match(text, group.end))
    begins_prose = begins_prose or bool(not table.closed and _TITLED.match(text, group.end))
    each = table.closed and all(letter + own in text for letter, own in table.texts.items())  # A投射是…,B…
    if each or not (_EXPLAINED.match(text, group.end) or begins_prose):
        return False
    opens = not text[: group.start].strip(" \n-•*>|")
    if opens and group.items[-1].told and len(group.letters) == 1 and _SENTENCE_ENDS.match(text, group.end):
        return not any(
            item is not None and (item.items[0].told or "\n" in m[0])
            for m in _LABELLED.finditer(text, group.end)
            if (item := read_group(text, m.start("letter"), table))
        )
    if opens and len(group.items) > 1 and _STOPS.match(text, group.end):
        return not any(m["letter"] in group.letters for m in _DISCUSSED.finditer(text, group.end))
    named = (
        _LABELLED if opens and text[group.end : group.end + 2].strip()[:1] in _STOPS_OR_DASH else _DISCUSSED
    )
    return _taken_out(text, group, table) or all(
        m["letter"] in group.letters or m["letter"] in wrong or m["letter"] not in table.letters
        for m in named.finditer(text)
    )
