"""Verdicts on all options in turn, by letter or text, in prose or lines: ``Alogia is one. Mania is not.``

Collaborators: ``reply_rules`` asks it where nothing is stated and ``blocks.py`` has found no blocks.
Invariants:
- Every option begins a clause of its own, and every one has its verdict there.
- At least one is judged right, and one wrong.
"""

from __future__ import annotations

import re

from rewards.extraction.options import OptionTable
from rewards.extraction.predicates import claimed, evaluated
from rewards.extraction.question import QuestionWording

_ITEM = r"[ \-•·*>]*(?:\d{1,2} ?[.、:] ?)?(?:(?i:and|while|but|whereas) )?"
_LINE, _CLAUSE = rf"(?:^|\n){_ITEM}", rf"(?:^|[\n;。|]|[.,!] |\band ){_ITEM}"
_LETTER = r"(?:(?:[Oo]ption|[Ss]tatement|选项) ?)?(?P<letter>[A-H])(?: ?选?项)?(?=[ :.、,—–-])"
_BEFORE_TEXT = r"(?:(?:[Oo]ption )?[A-H](?: ?选?项)?(?: ?[.、:—–-])? ?)?(?i:the |an? )?\Z"
_HEADS = tuple((re.compile(start + _LETTER), re.compile(start + _BEFORE_TEXT)) for start in (_LINE, _CLAUSE))
"""How a letter and an option's text begin a line, or any clause where not every option begins a line."""
_LABEL = re.compile(r" ?[.、:,—–-]{0,2} ?(?i:the |an? )?")
_LETTER_AFTER = re.compile(r" ?[A-H](?![A-Za-z])")
_GAP = re.compile(r"[ :.,—–=→-]{0,4}")
_END = r"(?= ?(?:$|[。.,;!\n|]|(?:because|since|as|so|and|but|while|whereas)\b))"
_PRONOUN = r"(?:(?:this|it|that|which) (?=is|are|does|do|counts|fits|applies|belongs))?"
_SURELY = r"(?:(?:also|indeed|clearly|definitely|certainly|both|all) )*"
_VERDICT = re.compile(
    rf"(?i:{_PRONOUN}(?:"
    rf"(?P<wrong>(?:is|are|was)(?: not|n't)(?: (?:one|included|typical|in|valid|correct|right|true"
    rf"|listed|relevant"
    rf"|part of (?:it|this|them)|among them|here|chosen|selected))?{_END}"
    rf"|(?:does|do)(?: not|n't)(?: (?:count|fit|apply|belong|qualify|match)(?: here)?)?{_END}"
    rf"|(?:(?:is|are) )?(?:incorrect|wrong|false|untrue|invalid|irrelevant|unrelated|excluded|out|no"
    rf"|not included"
    rf"|not typical|not (?:correct|true|right|valid|relevant)|ruled out|a distractor){_END}"
    rf"|should not be (?:chosen|selected|included|ticked){_END})"
    rf"|(?P<right>(?:(?:is|are|was) )?{_SURELY}(?:one(?: of (?:them|these|the [a-z]+))?|included|typical"
    rf"|in|valid|correct|right"
    rf"|true|yes|listed|relevant|among them){_END}"
    rf"|(?:(?:also|indeed) )?(?:counts?|fits?|applies|apply|belongs?|qualif(?:y|ies)|match(?:es)?|does"
    rf"|do|is|are|was)"
    rf"(?: here| too| as well| also| indeed)?{_END}|should be (?:chosen|selected|included|ticked){_END})"
    r"))|(?P<ticked>[√✓✔✅☑○◯⭕])|(?P<crossed>[×✗✘❌✕])"
)
_SAID = re.compile(
    r"(?i:(?:this |it |that )?(?P<denied>(?:(?:is|are|was|were)(?: not|n't)|not) |不是|不属于|并非)?(?:(?:is"
    r"|are|also) |是|属于)*)(?P<said>[^。.,;!\n|]{3,80})"
)
_ELSEWHERE = re.compile(
    r"(?i:(?:is|are) (?:a matter of|about|part of|a (?:sign|symptom|feature|form|type|kind) of"
    r"|typical of|seen in|found in)"
    r"|belongs? to|points? to|relates? to|refers? to|suggests?|indicates?|describes?|concerns?) "
)
"""Before what an option belongs to instead."""
_SO = re.compile(
    rf"(?:,? (?:so|hence|thus|therefore)|[:—–-]) (?:it is |this is |we |that's )?(?i:(?P<right>yes|in"
    rf"|included|correct|true|right)"
    rf"|(?P<wrong>no|not|out|excluded|incorrect|false|wrong)){_END}"
)
_STOP = re.compile(r"[。!\n]|\.(?: |$|\n)")
MOST = 8
"""More options are not judged in turn."""


def verdicts_in_turn(
    text: str, table: OptionTable, question: QuestionWording
) -> dict[str, tuple[bool, int, int]]:
    """Each option's verdict and where it is named; empty where not every option has one."""
    if not table.closed or not 2 < len(table.letters) <= MOST:
        return {}
    heads = next((heads for begins in _HEADS if (heads := _heads(text, table, *begins))), [])
    if not heads:
        return {}
    verdicts: dict[str, tuple[bool, int, int]] = {}
    for place, (start, end, letter) in enumerate(heads):
        last = place + 1 == len(heads)
        stop = _clause_end(text, end) if last else heads[place + 1][0]
        verdict = _verdict(text[end:stop], question)
        if verdict is None:
            return {}
        verdicts[letter] = (verdict, start, end)
    judged = {right for right, _, _ in verdicts.values()}
    return verdicts if len(judged) == 2 else {}


def _heads(
    text: str, table: OptionTable, by_its_letter: re.Pattern[str], before: re.Pattern[str]
) -> list[tuple[int, int, str]]:
    """Where each option begins a line or clause, and where its name ends; empty where one does not."""
    said = text.lower()
    by_letter: dict[str, tuple[int, int]] | None = None
    heads = []
    for letter in table.letters:
        own = table.texts.get(letter, "").lower()
        found = _text_head(text, said, own, before) if own else None
        if found is None:
            if by_letter is None:
                by_letter = {}
                for head in by_its_letter.finditer(text):
                    by_letter.setdefault(head["letter"], head.span("letter"))
            if letter not in by_letter:
                return []
            found = by_letter[letter]
            label = _LABEL.match(text, found[1])
            if own and label and said.startswith(own, label.end()):
                found = found[0], label.end() + len(own)
        heads.append((*found, letter))
    return sorted(heads)


def _text_head(text: str, said: str, own: str, before: re.Pattern[str]) -> tuple[int, int] | None:
    """Where an option's text begins a clause first, with or without its letter."""
    at = said.find(own)
    while at >= 0:
        if before.search(text, max(0, at - 24), at):
            after = _LETTER_AFTER.match(text, at + len(own))
            return at, after.end() if after else at + len(own)
        at = said.find(own, at + len(own))
    return None


def _clause_end(text: str, at: int) -> int:
    gap = _GAP.match(text, at)
    stop = _STOP.search(text, gap.end() if gap else at)
    return stop.start() if stop else len(text)


def _verdict(clause: str, question: QuestionWording) -> bool | None:
    """Whether what is said of an option judges it right; None where it does neither."""
    gap = _GAP.match(clause)
    at = gap.end() if gap else 0
    if found := _VERDICT.match(clause, at):
        return bool(found["right"] or found["ticked"])
    if (approved := evaluated(clause, at, question)) is not None:
        return approved
    if so := _SO.search(clause, at):
        return so["right"] is not None
    said = _SAID.match(clause, at)
    if said is None or not question.key:
        return None
    if claimed(said["said"], question, True):
        return said["denied"] is None
    return False if _ELSEWHERE.match(clause, at) and not said["denied"] else None
