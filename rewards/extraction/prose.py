"""Options that prose commits to in the question's own words, without a cue and without a verdict.

``John Bowlby emphasised internal working models. Penis envy is Freud's.``, ``我们用A（时间差）和B定位``.
Collaborators: ``reply_rules`` asks it where letters and texts alone say nothing; ``wording.py`` knows what a
sentence and the stem share. Invariants:
- A sentence counts that says what the stem says, or nothing but that; a negation or hedge that the stem lacks
  spoils it, and so does a question mark.
- Its options stand together in one list; a letter beside another option's text spoils all.
- Where all options are explained in turn none is chosen, and sentences that differ are none, unless the
  question may have several answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from rewards.extraction.groups import ARTICLE
from rewards.extraction.options import OptionTable
from rewards.extraction.predicates import other_sign
from rewards.extraction.question import QuestionWording
from rewards.extraction.reading import Reading
from rewards.extraction.wording import COUNTED, Overlap, overlap, spoilt
from rewards.text.phrases import phrase_key

_SENTENCE = re.compile(
    r"(?:[^。.;!?\n:]|(?<=\n\d)[.]|[.](?![ \n]|$)|(?<=\b[A-Z])\. (?=[A-Z][a-z])|:(?!\n)|:\n(?= ?(?:[•·-]"
    r"|\d|[A-Z])))+"
    r"(?:(?<=:)\n[^\n]*)?[?]?"
)
_LIST_LINE = re.compile(r"\n ?(?:[•·-] ?|\d{1,2}[.、] ?|(?=[A-Z]))[^\n]{1,160}")
_CONTRAST = re.compile(
    r"[,—–] ?(?=(?:while|whereas|but|although|though|unlike|not|rather than|instead of|as opposed to|compared"
    r"|in contrast|and not|(?:it )?(?:does|do|is|are)(?: not|n't)|nor|neither)\b|而(?!且)|但|不(?:是|要求"
    r"|包括"
    r"|包含"
    r"|属于|需要|涉及)|并非|区别|不同)"
    r"| (?=(?:whereas|while|rather than|instead of|as opposed to|unlike)\b)"
)
_LETTER = re.compile(r"(?<![A-Za-z0-9'./&-])[A-H](?![A-Za-z0-9'&/-])")
_BESIDE = re.compile(r"[ .:、,—–-]{0,4}(?:the |an? )?")
JOINTS = re.compile(
    r"(?:[ ,、;&+/\n•·:—–.()-]|\d[.、]|and|as well as|plus|or|both|the|an?|options?|choices?|选项|和|与|及"
    r"|以及"
    r"|还有|项)*"
)
_ITEM_BEFORE = re.compile(r"(?:[,、]|\band|和|及) ?(?:the |an? )?\Z")
_ITEM_AFTER = re.compile(
    r" ?(?:[,、]? ?(?:and|as well as|plus|along with|以及|还有|和|与|及)\b|[,、] ?(?!while|whereas|but"
    r"|because"
    r"|since|as|which|not|whose"
    r"|so|where|who|that|all|both|而|但|因|所以|都|均|这|分别|其|即|它|三|两|四|属|是|由|故)[\w-]+)"
)
"""After option texts: their list goes on with something that is no option."""
_INTRODUCES = re.compile(
    r" ?(?:of|from|among|in|for|during|according|here|so|thus|therefore|hence|based"
    r"|overall)\b[^,]{0,80},[ ]?(?:the |an? )?\Z"
    r"|[^,]{0,24},\Z",
    re.IGNORECASE,
)
_ITEM_ENDS = re.compile(r"[ .。;,、]*(?:and ?)?(?:\n|$)")
_SPLICE = re.compile(r" ?, ?(?:the |an? )?")
_PREDICATE = re.compile(r" (?:is|are|was|were|has|have|[a-z]+s) |[\u4e00-\u9fff]")
_OR = re.compile(r"\bor\b|或|还是")
_GLOSS = re.compile(r"[^,、。;:\n]{0,40}?(?=[,、] ?|\n| and\b|和|与|及)")
_CUT = re.compile(r"[,:—–]|，| (?=because|since|which|as|where|who|that|by)\b")
_BEFORE_COPULA = re.compile(r" ?(?:[a-z]+ ){0,3}?(?=(?:are|is|were|was|both|all)\b)")
_IN_FRONT = re.compile(r"^[^,:]{0,60}[,:] ?")
LONGEST = 600
"""Characters of a sentence that is read."""


class _Mention(NamedTuple):
    letter: str
    start: int
    end: int
    told: bool


def prose_answer(text: str, table: OptionTable, question: QuestionWording) -> Reading | None:
    """The options of the sentences of the folded reply that say what the question asks."""
    if not question.key or not table.closed or question.opposed:
        return None
    said = text.lower()
    texts = _tellable(table, question, said)
    chosen: list[Reading] = []
    openings: set[str] = set()
    for start, end in _sentences(text):
        mentions = _mentions(text, said, start, end, texts, table, question)
        if not mentions:
            continue
        if mentions[0].letter == "?":
            return None
        if not said[start : mentions[0].start].strip(" -•·\n"):
            openings.add(mentions[0].letter)
        if reading := _committed(text, start, end, mentions, question):
            chosen.append(reading)
    letters = "".join(sorted({x for reading in chosen for x in reading.letters}))
    one = len({"".join(sorted(set(reading.letters))) for reading in chosen}) == 1
    if not letters or set(letters) == set(table.letters) or openings == set(table.letters):
        return None
    if not one and not question.several:
        return None
    if (
        len(letters) == 1
        and question.several
        and not all(reading.end == reading.start + 1 for reading in chosen)
    ):
        return None  # the others may be there in other words
    return Reading(letters, chosen[0].start, chosen[-1].end)


def _tellable(table: OptionTable, question: QuestionWording, said: str) -> list[tuple[str, str]]:
    """Letters and texts in lower case that stand in the reply and can be told from other words."""
    stem = question.whole or question.key
    if not all(len(phrase_key(own)) >= (2 if own >= "\u4e00" else 3) for own in table.texts.values()):
        return []
    return [
        (letter, own.lower())
        for key, letter in table.by_key.items()
        if key not in stem and (own := table.texts[letter]).lower() in said
    ]


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    """Sentences, a list of lines with the heading above it, parted where they contrast."""
    at = 0
    while sentence := _SENTENCE.search(text, at):
        end = sentence.end()
        while "\n" in sentence[0] and (line := _LIST_LINE.match(text, end)):
            end = line.end()
        at = max(end, sentence.start() + 1)
        if end - sentence.start() > LONGEST:
            continue
        begin = sentence.start()
        for turn in _CONTRAST.finditer(text, begin, end):
            yield begin, turn.start()
            begin = turn.end()
        yield begin, end


def _mentions(
    text: str,
    said: str,
    start: int,
    end: int,
    texts: list[tuple[str, str]],
    table: OptionTable,
    question: QuestionWording,
) -> list[_Mention]:
    """The options named in a sentence, in order; one with "?" for a letter beside another's text."""
    found: list[_Mention] = []
    for letter, own in texts:  # the longest first
        at = said.find(own, start, end)
        while at >= 0:
            stop = at + len(own)
            whole = not (own[0].isascii() and said[at - 1 : at].isalpha() and said[at - 1].isascii())
            whole = whole and not (
                own[-1].isascii()
                and said[stop : stop + 1].isascii()
                and said[stop : stop + 1].isalpha()
                and said[stop : stop + 1] != "s"
            )
            if whole and not any(m.start < stop and at < m.end for m in found):
                found.append(_Mention(letter, at, stop, True))
            at = said.find(own, stop, end)
    for one in _LETTER.finditer(text, start, end):
        if one[0] in table.letters and not any(m.start <= one.start() < m.end for m in found):
            if one[0] == "A" and ARTICLE.match(text, one.end()) and not _beside(text, one, found):
                continue
            before = text[max(start, one.start() - 12) : one.start()].split(" ")[-2:-1]
            if before and before[0] and f"{before[0]} {one[0]}".lower() in question.asks.lower():
                continue  # Cluster B
            found.append(_Mention(one[0], *one.span(), False))
    found.sort(key=lambda m: m.start)
    return _merged(text, found)


def _beside(text: str, letter: re.Match[str], found: list[_Mention]) -> bool:
    gap = _BESIDE.match(text, letter.end())
    return gap is not None and any(m.start == gap.end() for m in found)


def _merged(text: str, found: list[_Mention]) -> list[_Mention]:
    """A letter and its text as one; a letter beside another's text as "?"."""
    merged: list[_Mention] = []
    for mention in found:
        last = merged[-1] if merged else None
        gap = _BESIDE.fullmatch(text, last.end, mention.start) if last else None
        if last is None or gap is None or last.told == mention.told:
            merged.append(mention)
        elif last.letter == mention.letter:
            merged[-1] = _Mention(last.letter, last.start, mention.end, True)
        elif "," in gap[0] or (len(merged) > 1 and merged[-2].told == last.told):
            merged.append(mention)
        else:
            return [_Mention("?", mention.start, mention.end, False)]
    return merged


def _committed(
    text: str, start: int, end: int, mentions: list[_Mention], question: QuestionWording
) -> Reading | None:
    """The options of one sentence, if it says of them what the question asks."""
    explained = text.find(":\n", start, end) >= 0 and not all(_ITEM_ENDS.match(text, m.end) for m in mentions)
    if explained or text[end - 1 : end] == "?" or not _together(text, mentions):
        return None
    first = mentions[0]
    if (
        len(mentions) == 2
        and _SPLICE.fullmatch(text, first.end, mentions[1].start)
        and _PREDICATE.match(text, mentions[1].end, end)
        and overlap(text[start : first.start], question).told
    ):
        end, mentions = first.end, [first]  # ``是甲,乙研究的是…``
    last = mentions[-1]
    before, after = text[start : first.start], text[last.end : end]
    letters = "".join(dict.fromkeys(m.letter for m in mentions))
    spoils = spoilt(before + "|" + after, question) or other_sign(before + after, question)
    if spoils or _of_a_longer_list(before, after, len(letters), question):
        return None
    if gloss := _BEFORE_COPULA.match(after):
        after = after[gloss.end() :]
    if len(letters) == 1 and COUNTED.search(before):
        return None
    subject = overlap(before, question)
    if subject.told:
        cut = _CUT.search(after)
        after = after[: cut.start()] if cut else after
    predicate = overlap(after, question)
    if _says(subject.plus(predicate), len(letters)) or _says(predicate, len(letters)):
        return Reading(letters, first.start, last.end)
    return None


def _of_a_longer_list(before: str, after: str, options: int, question: QuestionWording) -> bool:
    """Whether the list holds something beside the options, which may be one of them in other words."""
    began = _ITEM_BEFORE.search(before) and not _INTRODUCES.match(before)
    return bool(began and (options > 1 or question.several)) or bool(options > 1 and _ITEM_AFTER.match(after))


def _says(said: Overlap, options: int) -> bool:
    """Whether what a sentence says beside its options is the question."""
    if said.covers >= 0.6 and said.told >= 2 and said.share >= 0.34:
        return True
    return said.share >= 0.75 and said.told >= (1 if options > 1 else 2)


def _lettered(text: str, mention: _Mention) -> bool:
    """Whether the option is named by its letter too, so that a gloss on it is no further item."""
    return mention.letter in _LETTER.findall(text, mention.start, mention.end)


def _together(text: str, mentions: list[_Mention]) -> bool:
    """Whether the options stand in one list, each with a gloss of some words at most."""
    for one, other in pairwise(mentions):
        joint = JOINTS.match(text, one.end, other.start)
        if joint and joint.end() < other.start and not _lettered(text, one):
            return False
        if joint and joint.end() < other.start:
            gloss = _GLOSS.match(text, joint.end(), other.start)
            joint = JOINTS.match(text, gloss.end(), other.start) if gloss else None
        if joint is None or joint.end() < other.start or _OR.search(text, one.end, other.start):
            return False
    return True
