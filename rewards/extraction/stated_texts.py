"""Options stated by their texts rather than their letters: ``答案是升华``, ``升华是正确的``, lists of texts.

Collaborators: ``statements`` asks it what follows a cue, ``reply_rules`` where nothing else is stated.
Invariants:
- A text counts as the whole of a clause only, never amid prose.
"""

from __future__ import annotations

import re

from rewards.extraction import cues, marks, verdicts
from rewards.extraction.bare import UNDER_REJECTED
from rewards.extraction.findings import Findings
from rewards.extraction.options import OptionTable, phrase_key
from rewards.extraction.predicates import claims
from rewards.extraction.question import QuestionWording
from rewards.extraction.reading import Reading

_PHRASE = re.compile(r"[ :]*(?P<said>[^\n\x03<]+)")
_CLAUSE = re.compile(r"[ :]*(?P<said>[A-Z](?![a-z])[^\n\x03<,。;!?]+)")
_LOWER_CASE = re.compile(
    r" ?(?P<said>[a-z](?:(?:[、,/;] ?|和|与| )?[a-z]){0,7})(?:" + cues.END + r"|(?=[:)] ?))"
)
_GLOSS = r" [A-Za-z][A-Za-z '-]* ?(?=[。,;\n\x03]|$)"
"""After an option's text: the same in English, in brackets."""
_PHRASE_ENDS = tuple(
    map(
        re.compile,
        ("$", "[。;!?]", r"\.(?= |$)", ",", " (?=(?:because|since|as) |here\\b|in this case)", _GLOSS),
    )
)
"""Where a phrase may end that states option texts: the first end that leaves such texts."""
_TEXT_LINE = re.compile(
    r"[ \n]*(?:[-•·] ?|\d{1,2}[.、] ?|(?:(?<=\n)|(?<=\n[-•·] )|(?<=\n[-•·])"
    r"|(?<=\n\d[.、] )|(?<=\n\d[.、])) ?(?![ \n•·-]))(?P<said>[^\n\x03<]+)"
)
_ITEM_MARK = re.compile(r"^ ?(?:[-•·] ?|\d{1,2}[.、] ?)?")
_ALL = re.compile("[都均全]|all|none")
_CONCLUDES = re.compile(
    r"(?:^ ?|(?:不是|不对|不属于|错误)[^。;!?\n]{0,12}?[,，]? ?)(?:而|应该?|就|则|那)?(?:是|为|属于) ?\Z"
)
_COMMA = re.compile(",")
MOST = 12
"""Commas in a list of option texts, at most."""
LONGEST_OPENING = 40
"""Characters before such a list (``Of the options listed, …``)."""
_SENTENCE_OF_TEXTS = re.compile(r"[^\n\x03<。;!?:.]*$")
_VERBS = re.compile(
    r"(?P<copula>(?<![都均也皆])[都均也皆]++(?:是|为|属于)|属于|是(?!非)| (?:are|is)(?: all| both)? )"
    r"| (?=(?:would|does|do|will|can|is|are)(?: not|n't) |(?:belongs?|contributes?|counts?"
    r"|increases?|involves?|predicts?|refers?|reduces?) )"
)
"""After option texts: something is said of them."""
_ARTICLE = r"(?i:(?:(?:it|this|that)(?:'s| is) )?(?:(?:the|an?) )?)(?:[这此]?(?:是|属于))?"
_FIRST_LINE = re.compile(rf"\A[ \n]*{_ARTICLE}(?P<said>[^\n。.!?]{{1,120}})[。.!]? ?(?:\n|\Z)")
_LAST_LINE = re.compile(rf"\n[ ]?{_ARTICLE}(?P<said>[^\n。.!?]{{1,120}})[。.!]? ?\Z")
_CONNECTIVE = re.compile(
    r"^ ?(?:因此|所以|故|综上|可见|显然|只有|唯有|(?i:so|thus|hence|therefore|only|here|clearly|overall"
    r"|i (?:think"
    r"|believe)(?: that)?|personally,?) |(?i:(?:of|among) [a-z ]{3,24},) |[•·-]? ?(?i:the|an?) )"
)
_NOUN = re.compile(r" ([a-z]{3,20}) ?\Z")
_THE = re.compile(r"\A ?(?:the|an?) ", re.IGNORECASE)
_CLAUSE_OF_TEXT = re.compile(r"[^\n\x03<,。;!?:]*$")


def exact_text(text: str, at: int, table: OptionTable) -> Reading | None:
    """An option's text that begins like a letter, to the end of the clause: ``A和B``, ``A型行为``."""
    phrase = _CLAUSE.match(text, at, at + table.reach) if table.like_a_letter else None
    if phrase and (letter := table.by_key.get(phrase_key(phrase["said"]))):
        return Reading(letter, *phrase.span("said"))
    return None


def text_that_begins_like_a_cue(text: str, mark: re.Match[str], table: OptionTable) -> Reading | None:
    """``答案：选择性注意``, where the cue has swallowed the beginning of the text."""
    for letter, own in table.like_a_cue:
        begin = text.find(own, mark.start(), mark.end() + len(own))
        if mark.start() < begin < mark.end() and cues.CLAUSE_END.match(text, begin + len(own)):
            return Reading(letter, begin, begin + len(own))
    return None


def stated_text(text: str, at: int, found: Findings) -> int:
    """A cue followed by option texts, by 以上都是, or by lower-case letters."""
    table = found.table
    if (lower := _LOWER_CASE.match(text, at)) and (run := table.lower_case(lower["said"])):
        return found.declare(Reading(run, *lower.span("said")))
    if listed := _listed_texts(text, at, table):
        return found.declare(listed)
    if marks.ALL_BUT.match(text, at):
        return at  # the exception is read next
    phrase = _PHRASE.match(text, at, at + table.reach)
    if phrase is None or not (phrase_key(phrase["said"][:1]) in table.openings or _THE.match(phrase["said"])):
        return at
    begin, end = phrase.span("said")
    for mark in _PHRASE_ENDS:
        if mark is _PHRASE_ENDS[-1] and "all" in phrase["said"][:4].lower():
            break  # "All are wrong." is no gloss
        if stop := mark.search(text, begin, end):
            said = text[begin : stop.start()]
            if run := table.from_text(said) or with_the_noun(said, table, found.question):
                return found.declare(_and_listed(Reading(run, begin, stop.start()), text, table))
    return at


def with_the_noun(said: str, table: OptionTable, question: QuestionWording) -> str:
    """An option's text before the noun that the question asks with: ``the exhaustion stage``."""
    noun = _NOUN.search(said)
    if noun is None or not question.key or noun[1].lower() not in question.words:
        return ""
    return table.by_key.get(phrase_key(_THE.sub("", said[: noun.start()])), "")


def _and_listed(first: Reading, text: str, table: OptionTable) -> Reading:
    """Option texts below a cue: the lines after the first one too."""
    more = _listed_texts(text, first.end, table) if text.startswith("\n", first.end) else None
    if more is None or len(first.letters) > 1 or first.letters in more.letters:
        return first
    return Reading(first.letters + more.letters, first.start, more.end)


def _listed_texts(text: str, at: int, table: OptionTable) -> Reading | None:
    """Option texts one a line, each with a list's mark: ``1. 杏仁核``, ``2. 前额叶``."""
    letters, begin, end = "", at, at
    while line := _TEXT_LINE.match(text, end, end + table.reach):
        letter = table.meaning(line["said"]) or table.from_text(line["said"])
        if not letter or (letters and (len(letter) > 1 or letter in letters)):
            break
        begin, end = begin if letters else line.start("said"), line.end()
        letters += letter
    return Reading(letters, begin, end) if letters else None


def announced_text(text: str, table: OptionTable, question: QuestionWording) -> Reading | None:
    """The last option text that is declared by what follows it: ``All of the above is the answer``.

    Else the texts that are judged to be what the question asks for: ``升华是正确的``.
    """
    stated = None
    said = text.lower()
    if not (_ALL.search(said) or any(own.lower() in said for own in table.texts.values())):
        return None
    for announced in verdicts.ANNOUNCED.finditer(text):
        stated = (
            _listed_subject(text, announced.start(), table)
            or _text_before(text, announced.start(), table)
            or stated
        )
    judgement = verdicts.TEXT_WRONG if question.negative else verdicts.TEXT_RIGHT
    if stated is None:
        for judged in judgement.finditer(text):
            one = _listed_subject(text, judged.start(), table) or _text_before(text, judged.start(), table)
            if one and stated:
                one = Reading(stated.letters + one.letters, stated.start, one.end)
            stated = one or stated
    return stated or _claimed_texts(text, table, question) or _concluded_text(text, table)


def _claimed_texts(text: str, table: OptionTable, question: QuestionWording) -> Reading | None:
    """Option texts that are the subject of what the question asks: ``甲、乙都是智力测验``."""
    if not question.key:
        return None
    letters, begin, end = "", 0, 0
    for verb in _VERBS.finditer(text):
        subject = _listed_subject(text, verb.start(), table) or _text_before(text, verb.start(), table)
        claim = (
            claims(
                text,
                verb.end() if verb["copula"] else verb.start(),
                question,
                subject is not None and len(subject.letters) > 1,
            )
            if subject
            else None
        )
        if subject and claim and question.negative and claim[0] == "right":
            left = set(table.letters) - set(subject.letters)
            if len(left) == 1:  # all but one are what is not asked for
                return subject._replace(letters=left.pop())
        elif subject and claim:
            begin = begin if letters else subject.start
            letters, end = letters + subject.letters, subject.end
    return Reading(letters, begin, end) if letters else None


def _listed_subject(text: str, end: int, table: OptionTable) -> Reading | None:
    """Several option texts with commas between them, before ``end``: the longest such list."""
    if not _ends_with_option(text, end, table):
        return None
    sentence = _SENTENCE_OF_TEXTS.search(text, max(0, end - table.reach - LONGEST_OPENING), end)
    if sentence is None or "," not in sentence[0]:
        return None
    begins = [sentence.start(), *(m.end() for m in _COMMA.finditer(text, sentence.start(), end))][: 2 * MOST]
    for begin in begins[:-1]:
        if letters := table.from_text(text[begin:end]):
            return Reading(letters, begin, end)
    return None


def _ends_with_option(text: str, end: int, table: OptionTable) -> bool:
    """Whether a letter or an option's last character stands before ``end``: the cheap look."""
    last = text[max(0, end - 4) : end].rstrip(" .:、").lower()[-1:]
    return last in table.letters.lower() or any(key[-1] == last for key in table.by_key)


def _concluded_text(text: str, table: OptionTable) -> Reading | None:
    """``是升华``, ``不是投射，是升华``: a clause of one text, first in the reply or after a denial."""
    found = [
        Reading(letter, at, at + len(own))
        for letter, own in table.texts.items()
        if (at := text.find(own)) >= 0
        and _CONCLUDES.search(text, max(0, at - 30), at)
        and cues.CLAUSE_END.match(text, at + len(own))
    ]
    return found[0] if len(found) == 1 else None


def _text_before(text: str, end: int, table: OptionTable) -> Reading | None:
    """The option texts that are the clause before ``end``."""
    clause = _CLAUSE_OF_TEXT.search(text, max(0, end - table.reach), end)
    said = _CONNECTIVE.sub("", clause[0]) if clause else ""
    letters = table.from_text(said)
    return Reading(letters, end - len(said), end) if letters else None


def _line_of_text(text: str, table: OptionTable) -> Reading | None:
    """One option's text that is the first line or sentence, or the last line, with nothing but an article."""
    found: dict[str, Reading] = {}
    for edge in (_FIRST_LINE, _LAST_LINE):
        line = edge.search(text)
        if line and len(line["said"]) <= table.reach and (letter := table.meaning(line["said"])):
            if _amid_texts(text, line, table):
                return None
            found[letter] = Reading(letter, *line.span("said"))
    return next(iter(found.values())) if len(found) == 1 and len(next(iter(found))) == 1 else None


def _amid_texts(text: str, line: re.Match[str], table: OptionTable) -> bool:
    """Whether the line is one of several of a list, or stands under a heading that rejects it."""
    before, after = text[: line.start("said")], text[line.end("said") :]
    if UNDER_REJECTED.search(before[-60:]):
        return True
    beside = (before.rstrip().rsplit("\n", 1)[-1], after.lstrip(" .。!\n").split("\n", 1)[0])
    return any(table.meaning(_ITEM_MARK.sub("", one)) for one in beside)


def _list_below(text: str, table: OptionTable) -> Reading | None:
    """The option texts that are the last lines below a heading: ``From your list these are:``."""
    heading = text.rstrip().rfind(":\n")
    if heading < 0 or UNDER_REJECTED.search(text[max(0, heading - 60) : heading + 1]):
        return None
    listed = _listed_texts(text, heading + 2, table)
    return listed if listed and len(listed.letters) > 1 and not text[listed.end :].strip() else None


def texts_alone(text: str, table: OptionTable, question: QuestionWording) -> Reading | None:
    """A reply of option texts and nothing else, or a list: ``1. 杏仁核``, ``2. 前额叶``."""
    letters = "" if "?" in text else table.from_text(text)
    if letters:
        return Reading(letters, len(text) - len(text.lstrip()), len(text.rstrip()))
    if question.key and (line := _line_of_text(text, table)):
        return line
    listed = _listed_texts(text, 0, table)
    listed = listed if listed and not text[listed.end :].strip() else None
    if listed is None and question.key and not question.negative:
        listed = _list_below(text, table)
    return listed if listed and set(listed.letters) != set(table.letters) else None
