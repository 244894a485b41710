"""Reading a group of option letters at a place of the text: ``A、B，D``, ``选项A和C``, ``ABD``, ``A-D``.

Its own option text may follow a letter (``A.内隐记忆；C.外显记忆``). One of a term (``A型行为``) is none.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from rewards.extraction.options import OptionTable
from rewards.extraction.reading import Reading
from rewards.text.canonical import LETTERS

_PREFIX = r"(?:选项|第[一二三四五六\d]个?(?:选?项)|[Oo]ptions?|[Cc]hoices?|[Bb]oth|[Ee]ither|statements?)"
_ITEM = re.compile(rf" ?(?:{_PREFIX} ?:? ?)?(?P<run>[A-Z]{{1,26}})(?![A-Za-z])")
_ITEM_TAIL = re.compile(r" ?(?:选项|项(?!目))")
_LABEL = re.compile(r"(?: ?(?:选项|项(?!目)))? ?[.、:,—–-]{0,2} ?")
_ARTICLE_OF_TEXT = re.compile(r"(?:the|an?) ")
_LONGEST_LABEL = 8
"""Characters between a letter and its text, at most."""
_TO, _TAIL_BEGINS = " -~–—到至", " 选项"
"""What a range goes on with, and the word option."""
_TEXT_LABEL = re.compile(r"(?: ?(?:选项|项(?!目)))? ?[.、:—–-] ?| ")
_TEXT_END = re.compile(r" ?(?:$|[。\n\x03;<]|\.(?:$|[ \n]))")
_BLANKS_AND_STOP = re.compile(r" ?[.。]?(?= ?[、,;和与及\n])")
_TEXT_STOPS = re.compile(r" ?(?:$|[^\w\s]|\n)| (?:and|as|because|since)\b")
_CLAUSE_STOPS = re.compile(r" ?(?:$|[、,;。.\n\x03<和与及])")
_RUN_END = re.compile(r" ?(?:$|[。\n\x03;<,])")
_RANGE = re.compile(r" ?(?:[-~–]|—{1,2}|到|至) ?([A-Z])(?![A-Za-z0-9-])")
_TERM = re.compile(
    r"\d(?![A-Z]\d|[A-Z][^A-Za-z]|[A-Z]$)|-[A-Za-z0-9]|\+(?! ?[A-Z])|'[a-z]"
    r"|[型超君国市校班座轴族血级期组波群药值图线片钾]"
    r"|类(?!比|似|化|推)|分[类数裂]|理论|因[素子]|检验|系数|粒子|水平|计划|曲线|维度|设计|治疗|疗法|区域"
    r"|神经|受试|被试|量表|阶段|同学|[先医学]生|女士"
    r"|老师|教[师授]|细胞|行为|人格|性格|模[式型]|效应|症候|测[验试]|反应|染色体|受体|公司|大学| ?[Tt]ype\b"
    r"| ?(?:scale|test|behaviou?r|personality|theory|factor|wave|level|group)s?\b"
)
"""After a letter: it is a part of a word or term."""
ARTICLE = re.compile(
    r" (?!(?:(?:yes|no|true|false|correct|incorrect|right|wrong)(?= ?(?:$|[.;\n|]|,(?! [a-z])|, (?:because"
    r"|since|as|but|and|while|so)\b"
    r"|,(?! ?[a-z]+ [a-z]+ (?:that|which|of|in)\b)))|(?:because|since|as"
    r"|and|or|but|for|is|are|was|which|due|not|while|with|in|on|by|given|rather"
    r"|instead|too|also|only|here|based|where|when|from|option|choice|seems|would|should|must"
    r"|could|might|cannot|if|after|it"
    r"|this|that"
    r"|does|belongs|applies|qualifies|describes|refers"
    r"|the|best|fits|makes|looks|appears|remains|matches|describes|correctly|most|to|we|you)\b))[a-z]{2,}"
)
"""After ``A``: it is the English article."""
_OPTION_WORDS = ("ption ", "hoice ", "tatement ")
"""Before ``A``: it is no article."""
_LATE = re.compile("[I-Z]")
"""In a run of letters: it is a word, unless there are so many options."""
_PRONOUN = re.compile(r" [a-z]")
"""After ``I``: it is the English pronoun."""
_NUMERALS = frozenset(["I", "II", "III", "IV", "V", "VI", "VII"])
"""Statements that options name (``I and II only``), where no option has such a letter."""
_WORD_GOES_ON = re.compile(r"[^\W\dA-Za-z_是为和与及或都均皆也项选正错不对符属应可才就的这那因所更最]")
"""After letters that no option has: an ideograph, but for those that go on after an option."""
_NEXT = rf"(?=(?:{_PREFIX} ?)?[A-Z](?!['a-z]))"
_AND = re.compile(
    r" ?(?:[、/&+|·•和与及跟]|以及|并且|(?:and(?: also)?|as well as|along with|plus) |,?(?:并且?|且"
    r"|也|还|同时"
    r"|再)(?:应|要)?选择?"
    r"|[、和与及](?:应|要)?选择?|[,;、.]? ?\d{1,2}[.、]? ?(?=[A-Z](?![A-Za-z]))|,?(?:还有|再?加上)|)"
    rf" ?\x03? ?(?:和|与|及|and )?{_NEXT}"
    rf"|\x03+ ?(?:[、,;&+/和与及]|以及|and |) ?\\f?box(?:ed)? ?{_NEXT}"
)
_LOOSE = re.compile(
    r" ?(?:,\n(?=[A-Z](?:[、,] ?[A-Z]){0,6}[.。]?(?:$|\n))"
    rf"|[,;]|\.(?=[A-Z])|\. (?=(?:[A-Z] ?\. ){{0,25}}[A-Z] ?\.? ?(?:$|\n))) ?(?:和|与|以及|及"
    rf"|(?:and )?also |and |& ?|plus |as well as |along with |另外|还有)?{_NEXT}"
)
_OR = re.compile(
    r" ?\x03{0,3} ?[,/]? ?(?:或者?是?|还是|抑或|or |也可能是?|也许是?|也可以?|要么)"
    r"选?(?:择|项)? ?(?:\\boxed ?)?" + _NEXT
)
_ARE = re.compile(
    r" (?:are|were)(?: (?:all|both|clearly|definitely|simply|obviously|therefore|thus|each))?"
    r"(?! (?:not|never|neither|no|wrong|incorrect|false|untrue|distractors?|eliminated|excluded|ruled"
    r"|irrelevant|unrelated|less|too|other|opposite|out|inaccurate|misleading|unlikely|outside|mis|partly"
    r"|only|similar"
    r"|merely|rather|instead)\b)"
)
"""After letters of which a comma might have begun a new clause: they are the subject, and nothing is against
them."""
_NO_JOINT = re.compile(r"[ .:]+")
_MAYBE_ALL = re.compile(
    r" ?,?(?:[二两]者|这?两个?(?:选?项|选项)?|它们)?(?:都|均|皆)"
    r"(?:有可能|可能(?!错)|说得通|(?:可以|可|行)(?:选|吧)?(?= ?(?:$|[,。;!\n\x03])))"
    r"|(?:之?间|中间)(?:犹豫|难以|无法|纠结|摇摆)"
    r"|(?:[二两三]者|[二两三]个?(?:选?项|选项)?)?(?:中?的?(?:其中)?之一|中的?(?:某?一[个项]|其一)|,?任选其一)"
)


class LetterRun(NamedTuple):
    """A run of letters.

    ``loose`` where a comma stands before it, which may begin a new clause; ``told`` where its option's text
    stands beside it.
    """

    run: str
    start: int
    end: int
    loose: bool
    told: bool = False


class LetterGroup(NamedTuple):
    """Items that belong together; ``hedged`` where they are alternatives or a text contradicts them."""

    items: tuple[LetterRun, ...]
    hedged: bool

    @property
    def start(self) -> int:
        return self.items[0].start

    @property
    def end(self) -> int:
        return self.items[-1].end

    @property
    def letters(self) -> str:
        return "".join(item.run for item in self.items)

    def reading(self, table: OptionTable) -> Reading:
        """The group as an answer."""
        run = self.letters
        trouble = None
        if not table.exists(run):
            trouble = "out_of_range"
        elif self.hedged and len(set(run)) > 1:
            trouble = "ambiguous"
        return Reading(run, self.start, self.end, trouble)  # type: ignore[arg-type]

    def split_loose(self) -> tuple[LetterGroup, LetterGroup | None]:
        """Before and after the last comma: in ``选A，B错误`` the B begins a new clause."""
        loose = [at for at, item in enumerate(self.items) if item.loose]
        if not loose:
            return self, None
        at = max(loose)
        return LetterGroup(self.items[:at], self.hedged), LetterGroup(self.items[at:], False)


def read_group(text: str, at: int, table: OptionTable) -> LetterGroup | None:
    """The longest group of letters that begins at ``at`` (a blank before it allowed), or None."""
    items: list[LetterRun] = []
    hedged, loose, position = False, False, at
    while item := read_item(text, position, table, loose):
        if items and len(item.run) > 1 and _NO_JOINT.fullmatch(text, items[-1].end, item.start):
            break  # an acronym after the answer: ``A (USA)``, ``C. DNA``
        items.append(item)
        if item.end == len(text):
            break
        if joint := _AND.match(text, item.end):
            loose = False
        elif joint := _LOOSE.match(text, item.end):
            loose = True
        elif joint := _OR.match(text, item.end):
            loose, hedged = False, True
        else:
            break
        position = joint.end()
    if not items:
        return None
    if len(items) > 1 and _MAYBE_ALL.match(text, items[-1].end):
        hedged = True
    if len(items) > 2 and _ARE.match(text, items[-1].end):
        items = [item._replace(loose=False) for item in items]
    return LetterGroup(tuple(items), hedged)


def all_may_be(text: str, at: int) -> bool:
    """Whether the words at ``at`` say that each of the letters before is possible."""
    return _MAYBE_ALL.match(text, at) is not None


def contradicted(text: str, group: LetterGroup, table: OptionTable) -> bool:
    """Whether a single letter stands beside another option's text: ``B. 内隐记忆`` where A says so."""
    label = _TEXT_LABEL.match(text, group.end) if len(group.letters) == 1 else None
    return label is not None and any(
        letter != group.letters
        and text.startswith(other, label.end())
        and _TEXT_END.match(text, label.end() + len(other)) is not None
        for letter, other in table.texts.items()
    )


def read_item(text: str, at: int, table: OptionTable, loose: bool = False) -> LetterRun | None:
    match = _ITEM.match(text, at)
    if match is None:
        return None
    run, (start, end) = match["run"], match.span("run")
    if end == len(text):
        no_letter = _is_numeral(run, table) or _is_word(text, run, end, table)
        return None if no_letter else LetterRun(run, start, end, loose)
    own = table.texts.get(run)
    if own is not None and text.find(own[1:], end, end + len(own) + _LONGEST_LABEL) >= 0:
        label = _LABEL.match(text, end)
        begin = label.end() if label is not None else end
        if label is not None and label[0].endswith(" ") and (article := _ARTICLE_OF_TEXT.match(text, begin)):
            begin = article.end()
        if label is not None and _carries(text, label, begin, own):
            end = begin + len(own)
            stop = _BLANKS_AND_STOP.match(text, end)
            return LetterRun(run, start, stop.end() if stop else end, loose, told=True)
    if (
        len(run) == 1
        and text[end] in _TO
        and (last := _RANGE.match(text, end))
        and run < last[1]
        and table.exists(run + last[1])
    ):
        letters = LETTERS[LETTERS.index(run) : LETTERS.index(last[1]) + 1]
        tail = _ITEM_TAIL.match(text, last.end())
        return LetterRun(letters, start, tail.end() if tail else last.end(), loose)
    if not _stands_alone(text, run, end, table):
        return None
    tail = _ITEM_TAIL.match(text, end) if text[end] in _TAIL_BEGINS else None
    return LetterRun(run, start, tail.end() if tail else end, loose)


def _said_twice(text: str, run: str, end: int, table: OptionTable) -> bool:
    """Whether a run with a letter twice is a slip of the pen (``AAB``) rather than a word (``AA制``)."""
    letters = len(set(run))
    slip = table.closed and 1 < letters == len(run) - 1 and sorted(run) == list(run) and table.exists(run)
    return slip and _RUN_END.match(text, end) is not None


def _carries(text: str, label: re.Match[str], at: int, own: str) -> bool:
    """Whether the option's text follows its letter, its first letter large or small.

    After a comma it must be all of the clause.
    """
    said = text[at : at + len(own)]
    if label[0] == " " and text[at - 2] == "A" and said[:1].islower() and own[:1].isupper():
        return _TEXT_STOPS.match(text, at + len(own)) is not None  # the article: ``A mediator explains``
    return said[:1].lower() + said[1:] == own[:1].lower() + own[1:] and (
        "," not in label[0] or _CLAUSE_STOPS.match(text, at + len(own)) is not None
    )


def _is_word(text: str, run: str, end: int, table: OptionTable) -> bool:
    """Whether letters written together are a word or an acronym."""
    if len(run) == 1:
        return False
    known = table.closed and table.exists(run)
    return (
        (len(set(run)) < len(run) and not _said_twice(text, run, end, table))
        or (not known and _LATE.search(run) is not None)
        or (not known and list(run) != sorted(run))
    )


def _is_numeral(run: str, table: OptionTable) -> bool:
    return table.numerals and run in _NUMERALS


def _stands_alone(text: str, run: str, end: int, table: OptionTable) -> bool:
    """Whether the letters are letters of options rather than a part of a word or term."""
    if _is_word(text, run, end, table):
        return False
    of_a_term = (
        _TERM.match(text, end)
        or (run == "A" and ARTICLE.match(text, end) and not text.endswith(_OPTION_WORDS, 0, end - 1))
        or (run == "I" and _PRONOUN.match(text, end))
        or _is_numeral(run, table)
    )
    return not (of_a_term or (_WORD_GOES_ON.match(text, end) and not table.exists(run)))
