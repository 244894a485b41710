"""Letters in brackets that end a sentence: ``这是升华（选项C）。``, ``It is the **Blue Whale** (**B**).``

Collaborators: ``extract`` asks it where nothing else is stated. Reads the reply as it was written, since
folding drops brackets.
Invariants:
- The word option, or that option's own text, stands with the letter; alone it must be the only such letter.
- Different letters are none.
"""

from __future__ import annotations

import re

from rewards.extraction import cues
from rewards.extraction.options import OptionTable, phrase_key
from rewards.extraction.predicates import claimed, lacks_sign, opposite
from rewards.extraction.question import QuestionWording
from rewards.extraction.reading import Reading
from rewards.extraction.spelling import fold
from rewards.extraction.units import WORD, beginning, pairs_of
from rewards.extraction.wording import overlap, spoilt

_BRACKETED = re.compile(
    r"[（(][\s*]{0,3}(?:(?:即|对应的?)?(?P<word>选项|选择|[Oo]ption|[Cc]hoice|[Aa]nswer"
    r"|答案)[\s:：]{0,2})?\*{0,2}"
    r"(?P<letter>[A-ZＡ-Ｚ])\*{0,2}(?P<after>选?项)?[\s*]{0,3}[)）](?=[ *”\"』」]{0,4}(?:的(?:典型"
    r"|具体)?(?:表现|体现|例子|特征|特点|定义|范畴|概念|过程))?(?:[。.!！]|\n|$|(?P<goes_on>[,，;；:：]"
    r"| ?[—–-]{1,2} )))"
)
_APPOSED = re.compile(
    r"(?<=[A-Za-z\u4e00-\u9fff”\"*)）'’])\*{0,2}(?:[,，;；]| ?[—–-]{1,2}) ?(?:即|也就是"
    r"|对应)?(?:选项|[Oo]ption"
    r"|[Cc]hoice) ?\*{0,2}"
    r"(?P<letter>[A-Z])(?=\*{0,2}(?:[.。!！]|\n|$))"
)
"""``…, choice C.``"""
_WORD_BEFORE = re.compile(r"[a-z\u4e00-\u9fff] ?\Z")
_SENTENCE_ENDS = re.compile(r"[.。!]|\n|$")
_LAST_SENTENCE = re.compile(r"[^。;!?\n]*$")
_JOINED = re.compile(r"[（(]\*{0,2}[A-ZＡ-Ｚ]\*{0,2}[)）]\*{0,2} ?(?:,? ?and |[和与及、])[^。.;；\n]*$")
_ANY = re.compile(r"[（(]\*{0,2}([A-ZＡ-Ｚ])\*{0,2}[)）]")
_LISTED = re.compile(r"[（(][A-H](?:[,，、/和与及 ]{1,2}(?:and )?[A-H]){1,7}[)）]")
_DENIED = re.compile(
    r"(?:不|非|排除|误|错|无关|(?i:\bnot\b|n't\b|\bunlike\b|rather than|\bexcept\b"
    r"|\b(?:all|everything|anything|everyone) but\b|other than|apart from|\bexcluding\b"
    r"|\bbesides\b|\bconfused? \w+ with|\bmistak\w+ for)"
    r"|混淆|区别于)[^。;\n]{0,60}$"
)
_CONTRASTED = re.compile(
    r"[,，;；:：—– -]{1,3}(?:(?i:(?:by|in) (?:contrast|comparison)|on the other hand|however"
    r"|for (?:example|instance)|in turn|meanwhile|instead|though|conversely|too|also|again)\b"
    r"|(?:则|却|相反|而|但|不过|然而|另一方面|相[比较]之下|例如|比如|也))"
)
"""After a bracket: its option is set against another."""
_AGAINST = re.compile(
    r"(?:相[比较]之下|与此相[反对]|另一方面|(?i:\b(?:by|in) (?:contrast|comparison)\b|\bconversely\b"
    r"|\bmeanwhile\b|\bon the other hand\b))[^。;\n]{0,60}$|(?:^|[,，。;；])而(?!且)[^,，。;；\n是属]{1,20}$"
)
"""Before a bracket: the same."""
_RUN = r"\*{0,2}[A-H](?:[,，、/&和与及 ]{0,2}(?:and )?[A-H]){0,7}\*{0,2}"
_SET_AGAINST = (
    r"(?:[,，;；]| ?[—–-]{1,2}) ?(?:(?i:while|whereas|but|yet|the|an?) |而|但)?"
    rf"[^.。;；,，!?！？\n(（]{{1,60}}[（(](?P<other>{_RUN})[)）]\*{{0,2}} ?"
    r"(?P<said>(?:(?i:is|are|was|were|does|do|would|belongs)\b|是|则|属于|为|不)[^.。;；\n(（]{1,80})"
)
"""After a bracket: another option in a clause of its own, of which something else is said."""
_ONE = re.compile(r"[（(]\*{0,2}(?P<letter>[A-H])\*{0,2}[)）]")
_SENTENCE = re.compile(r"[^.。!！?？\n]{1,600}")
_NEXT_ITEM = re.compile(
    r"\*{0,2}(?:[,，、;；]|,? ?(?:\band\b|\bas well as\b|和|与|及|以及))(?!,? ?(?:but|not|while"
    r"|whereas|而|但))"
)
_GOES_WRONG = re.compile(r"[^,，;；]{0,24}?(?:\bnot\b|n't\b|\bno\b|不|非|无|误|错)|[,，]? ?(?:or|或)\b")
_CHOSEN = re.compile(
    r"(?i:\b(?:too|as well|also|likewise|another|answer|correct|right|best|true|one)\b)"
    r"|也|同样|正确|答案|对|还是"
)
_LIST = re.compile(
    rf"[（(](?P<run>{_RUN})[)）][ *”\"]{{0,3}}"
    rf"(?:{_SET_AGAINST}|(?=[.。!！;；\n]|$)|(?:[,，;；]| ?[—–-]{{1,2}})? ?(?:(?:(?:but |and )?not\b"
    rf"|rather than\b|而?不(?:是|包[括含])|而非|但不(?:是|包[括含]))"
    rf"(?:[^.。!?！？\n(（]{{0,60}}[（(](?P<rest>{_RUN})[)）])?"
    r"|(?:but|while|whereas|unlike|as opposed to)\b|而|但))"
)
"""Letters in one bracket, after which the sentence ends or turns to other options."""
_LEADS = re.compile(
    r"[ \n•·-]*(?:(?i:so|thus|hence|therefore|yes|here|overall|namely|clearly|in short)"
    r"|所以|因此|故|即|综上|是的?)?[,: ]*"
)
_BREAK = re.compile(r"[。!?;\n]|\.(?= |$)|:(?= ?\n)")
_ASKED = re.compile(r"[^.。!！\n]*[?？]")
_CAPITAL = re.compile("[A-H]")
_HEADING = re.compile(r"(?:^|\n)[ #*>•-]*(?:[Oo]ption|[Cc]hoice|选项) ?\Z")
_NO_WORDS = re.compile("[的了]")
LONGEST_GLOSS = 60
REACH = 120
"""Characters before a bracket in which the option's text is looked for."""


def bracketed_letter(reply: str, table: OptionTable, question: QuestionWording) -> Reading | None:
    """The letter that sentences of the reply, as written, end with in brackets; offsets in the reply."""
    if enumerated := _enumerated(reply, table, question):
        return enumerated
    named: dict[str, Reading] = {}
    alone: dict[str, Reading] = {}
    beside = False
    for found in (*_BRACKETED.finditer(reply), *_APPOSED.finditer(reply)):
        letter = fold(found["letter"]).text
        before = fold(reply[max(0, found.start() - REACH) : found.start()]).text
        if not table.exists(letter) or _denied(before, question) or _AGAINST.search(before):
            continue
        key = phrase_key(before)
        told = next(
            (x for text, x in table.by_key.items() if key.endswith(text)),
            letter if found.re is _APPOSED or found["word"] else "",
        )
        if told and told != letter:
            return None  # beside another option's text
        goes_on = found.re is _BRACKETED and found["goes_on"]
        sentence = _LAST_SENTENCE.search(before)
        if sentence and opposite(sentence[0], question):
            continue
        if goes_on and sentence and told and cues.HYPOTHETICAL.search(sentence[0]):
            named[letter] = Reading(letter, *found.span("letter"))  # one case of several
            continue
        if goes_on and _CONTRASTED.match(reply, found.end()):
            continue
        if goes_on and not (told and len(set(_ANY.findall(reply))) < 2):
            beside = beside or (bool(told) and len(told) == 1)
            continue
        kind = named if told or found["after"] else alone
        sentence = _LAST_SENTENCE.search(before + f" {letter}")
        run = _sequence(sentence[0] if sentence else "", table)
        if not run and _JOINED.search(reply, max(0, found.start() - REACH), found.start()):
            return None  # one of several
        run = run or letter
        kind[run] = Reading(run, *found.span("letter"))
    if len(listed := _lists(reply, table, question)) == 1:
        return listed[0]
    if not named and not alone:
        named = _told(reply, table)
    one = len(set(_ANY.findall(reply))) == 1 and not _LISTED.search(reply)
    chosen = named or (alone if one else {})
    if beside and question.several and len(next(iter(chosen), "")) == 1:
        return None  # one of several
    return next(iter(chosen.values())) if len(chosen) == 1 else None


def _enumerated(reply: str, table: OptionTable, question: QuestionWording) -> Reading | None:
    """Several things with a letter each in one sentence on what is asked: ``lapses (A) and anger (C)``.

    Each is named by a word of its option; nothing else in the reply does so.
    """
    if not (question.several and question.key and table.closed) or question.negative:
        return None
    found: list[Reading] = []
    for sentence in _SENTENCE.finditer(reply):
        items = list(_ONE.finditer(sentence[0]))
        letters = "".join(one["letter"] for one in items)
        edges = [0, *(one.end() for one in items)]
        glosses = [sentence[0][a : one.start()] for a, one in zip(edges, items, strict=False)]
        if (
            1 < len(set(letters)) == len(letters) < len(table.letters)
            and table.exists(letters)
            and all(map(_NEXT_ITEM.match, glosses[1:]))
            and all(_names(gloss, letter, table) for gloss, letter in zip(glosses, letters, strict=True))
            and not _GOES_WRONG.match(sentence[0], edges[-1])
        ):
            lead = fold(glosses[0]).text
            shared = overlap(lead, question)
            spoils = spoilt(lead, question) or lacks_sign(lead, question) or _DENIED.search(lead)
            if shared.covers >= 0.5 and shared.told > 1 and not spoils:
                at = sentence.start()
                found.append(Reading(letters, at + items[0].start(), at + items[-1].end()))
    return found[0] if len(found) == 1 else None


def _names(gloss: str, letter: str, table: OptionTable) -> bool:
    """Whether a few words before a letter in brackets have one of its option's."""
    last = fold(gloss).text.lower()[-LONGEST_GLOSS:]
    own = table.texts.get(letter, "").lower()
    return any(beginning(word) in last for word in WORD.findall(own)) or any(
        pair in last for pair in pairs_of(own, _NO_WORDS)
    )


def _denied(before: str, question: QuestionWording) -> bool:
    """Whether words negate what follows, by more than the stem's own (``主试和被试都不知道…``)."""
    denied = _DENIED.search(before)
    while denied and _of_the_stem(before[denied.start() : denied.start() + 3], question):
        denied = _DENIED.search(before, denied.start() + 1)
    return denied is not None


def _of_the_stem(negation: str, question: QuestionWording) -> bool:
    return negation in question.asks if "'" in negation else phrase_key(negation) in question.key


def _sequence(sentence: str, table: OptionTable) -> str:
    """The letters of the option texts, each with its letter, that the sentence ends with."""
    return _letters_from(sentence, _text_places(sentence, table), table)


def _text_places(sentence: str, table: OptionTable) -> list[int]:
    """Where option texts begin in a sentence."""
    said = sentence.lower()
    return sorted(at for own in table.texts.values() if (at := said.find(own.lower())) >= 0)


def _letters_from(sentence: str, places: list[int], table: OptionTable) -> str:
    return next((letters for at in places if (letters := table.from_text(sentence[at:]))), "")


def _lists(reply: str, table: OptionTable, question: QuestionWording) -> list[Reading]:
    """The letters of brackets after their options' texts, or set against all the others; one of a kind."""
    if not table.closed or question.negative:
        return []
    found: dict[str, Reading] = {}
    for one in _LIST.finditer(reply):
        letters = "".join(sorted(set(_CAPITAL.findall(one["run"]))))
        rest = set(_CAPITAL.findall(one["rest"] or one["other"] or ""))
        if one["other"] and (not question.several or _is_one_too(fold(one["said"]).text, question)):
            continue
        before = fold(reply[max(0, one.start() - 2 * REACH) : one.start()]).text
        sentence = _BREAK.split(before)[-1]
        if not table.exists(letters) or _ASKED.match(reply, one.end()):
            continue
        places = _text_places(sentence, table)
        if len(letters) == 1:  # ``甲（A）、乙（B）,但不包括丙（C）``
            sentence += " " + letters
            letters = _letters_from(sentence, places, table) if rest else ""
        chosen, every = set(letters), set(table.letters)
        if len(letters) < 2 or rest & chosen or chosen == every:
            continue
        begin = next((at for at in places if set(table.from_text(sentence[at:])) == chosen), None)
        lead = sentence if begin is None else sentence[:begin]
        if spoilt(lead, question) or _DENIED.search(lead):
            continue
        if one["other"] and rest | chosen != every:
            continue
        if begin is None:
            told = rest | chosen == every and sentence.strip()
        else:
            told = _LEADS.fullmatch(lead) or _says_what_is_asked(lead, question)
        if told:
            found[letters] = Reading(letters, *one.span("run"))
    return list(found.values())


def _is_one_too(said: str, question: QuestionWording) -> bool:
    """Whether what is said of another option makes it one of the answer, or all of it."""
    return _CHOSEN.search(said) is not None or claimed(said, question, True) is not None


def _says_what_is_asked(lead: str, question: QuestionWording) -> bool:
    shared = overlap(lead, question)
    return shared.covers > 0.5 and shared.told > 1


def _told(reply: str, table: OptionTable) -> dict[str, Reading]:
    """The only letter with its text, at the end of a sentence: ``He is showing C. Sublimation.``"""
    said = [
        (letter, m)
        for letter, own in table.texts.items()
        if own in reply  # a pattern of its own takes long to compile
        for m in re.finditer(
            rf"{letter}[.、:：) ]{{1,2}}{re.escape(own)}"
            rf"|{re.escape(own)}[,，:： ]{{1,2}}{letter}(?![A-Za-z])",
            reply,
        )
    ]
    if len(said) != 1:
        return {}
    letter, told = said[0]
    before = fold(reply[max(0, told.start() - REACH) : told.start()]).text
    heads = _HEADING.search(before)
    ends = not heads and _WORD_BEFORE.search(before) and _SENTENCE_ENDS.match(reply, told.end())
    return {letter: Reading(letter, *told.span())} if ends and not _DENIED.search(before) else {}
