"""Verdicts that close the pieces of a reply, each on the options that its piece names: ``投射：…，不匹配``.

Collaborators: ``reply_rules`` asks it where nothing is stated and neither ``blocks.py`` nor ``in_turn.py``
has found verdicts; ``named.py`` tells which options a piece names. Invariants:
- Every option has its verdict, and no option two that differ; at least one is right, and one wrong.
- Ticked lines count alone: each begins with an option, and another option is not ticked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from rewards.extraction.named import Names
from rewards.extraction.options import OptionTable
from rewards.extraction.predicates import claimed
from rewards.extraction.question import QuestionWording

_SO = (
    r"(?:所以|因此|因而|故|也|同样|都|均|皆|全|则|就|是|为|该项|此项|该说法|此说法|该选项"
    r"|这一?[项条点]?|说法|表述|描述|明显|显然|应该?|应当|可以?|可){0,4}"
)
_RIGHT = (
    r"正确的?|对的?|成立|属于|符合(?:题意|要求|题干|描述|定义|条件)?|匹配|吻合|一致|相符|支持|可选|可取"
    r"|可行|应选|入选|当选|选"
    r"|保留|无误|准确|恰当|合理|有效|没有?问题|没错|满足|具备"
)
_WRONG = (
    r"错误?的?|有误|不(?:正确|对|是|成立|属于|符合(?:题意|要求|题干|描述|定义|条件)?|匹配|吻合|一致|相符"
    r"|支持|可选|可取|可行|选|准确|恰当|合理|满足"
    r"|具备|行|合适|妥当?)的?|划[去掉]|剔除|淘汰|删[去掉]|排除|出局|无效|无关"
)
_THAT = (
    r"(?:(?:so|hence|thus|therefore|and|but|which|this|that|it|they|these|those|he|she)(?:'s| )"
    r"|(?:is|are|was|were|does|do|also|indeed|clearly|definitely|both|all|another|one|of|a|an|the) ){0,4}"
)
_YES = (
    r"correct|right|true|valid|supported|accurate|included|in|yes|yep|yeah|yup|you bet|absolutely|definitely"
    r"|of course|sure|indeed|relevant|applies|apply|fits?|qualif(?:y|ies)|counts?|holds?(?: up)?|works?"
    r"|match(?:es)?|listed|there|kept?|included|belongs?|certainly|one of them|one"
    r"|(?:good|perfect|strong|clear|close|exact|best) (?:match|fit)"
)
_NO = (
    r"incorrect|wrong|false|invalid|unsupported|inaccurate|untrue|excluded|out|no|nope|nah|not at all"
    r"|not really"
    r"|hardly|irrelevant|eliminated|unrelated|fails?|ruled out|dropp?(?:ed)?|not quite|absent"
    r"|(?:is|are|does|do)(?: not|n'?t)(?: (?:there|in|correct|right|true|valid|supported|accurate|included"
    r"|relevant|apply|fit|qualify|count|hold(?: up)?|work|match|listed|belong|one(?: of them)?))?"
    r"|not (?:there|in|correct|right|true|valid|supported|accurate|included|relevant|listed|one)"
    r"|(?:no|poor|bad|weak|not an?(?: good| close)?) (?:match|fit)"
)
_MEETS = (
    r"(?:match(?:es)?|fits?|meets?|describes?|captures?|satisf(?:y|ies)|answers?|suits?)"
    r"(?: (?:best|well|here|perfectly|exactly))?"
    r"(?: (?:it|this|(?:the|this|that) (?:description|definition|question|stem|case|scenario|vignette"
    r"|criteria|picture|pattern|situation|statement|example|requirement)s?)(?: here| well| best| exactly)?)?"
)
"""What an option does that is the answer, or does not do."""
_END = r"(?:(?= ?(?:$|[。.,;!?\n|\x03])| ?[—–]| [,;])|(?<=supported)(?= (?!by)))"
_VERDICT = re.compile(
    rf"(?:[,:—–→=>|;-] ?|(?<=[\u4e00-\u9fff]) ){_SO}(?:(?P<right>{_RIGHT})"
    rf"|(?P<wrong>{_WRONG}))(?: ?[,。;\n]|(?= ?$))"
    rf"|(?:[,:;—–→=>|-] ?|[?.] |(?<=[A-Za-z]) (?=(?:is|are|does|do)(?:n|\b)))(?i:{_THAT}(?:(?P<no>{_NO})"
    rf"|(?P<yes>{_YES}))){_END}"
    r"|[:—–] (?i:(?P<nope>false|incorrect|wrong|no|invalid)|(?P<yeah>true|correct|yes|valid|right))"
    r"\b(?! (?:only|if|when|for|of|or|and|but|that|to|in)\b)"
    r"|(?P<ticked>[√✓✔✅☑])|(?P<crossed>[×✗✘❌✕])"
)
_PIECE = re.compile(r"(?:[^\n。;.?!]|[.](?![ \n]|$)){1,400}[。;.!?\n]?")
_REPLY = re.compile(
    rf"[ ]?(?i:{_THAT}(?:(?P<no>{_NO})|(?P<yes>{_YES})|(?P<right>{_RIGHT})"
    rf"|(?P<wrong>{_WRONG})))(?= ?[,.。!;\n]| ?$)"
)
"""After a question about an option: ``Planning? You bet.``"""
_SENTENCE = re.compile(
    r"[ ]?(?i:(?:so |hence |thus |therefore |but |and )?(?:(?:this|that|it)(?: one| option| also)? )?"
    rf"(?:(?:(?:is|'s|are) )?(?P<no>{_NO}|(?:does|do|is)(?: not|n't) (?:quite |really )?"
    rf"{_MEETS})|(?:(?:is|'s) (?:an? |the )?)?(?P<yes>{_YES}|{_MEETS}))"
    r"(?: too| as well| also| again)?) ?[.!;\n]?[ \n]?"
)
"""A sentence that is a verdict, on the option that its line begins with: ``This matches.``"""
_FIRST = re.compile(
    r"[ \n•·-]*(?:(?i:(?P<yes>yes|true|correct|right|included?|keep|in)|(?P<no>no|false|incorrect|wrong"
    r"|excluded?|drop|out))(?: (?:for|to|goes to):?|:)"
    r"|(?P<right>正确|符合|属于|支持|成立|保留|选)的?(?:有|是|者|选项|说法)?:|(?P<wrong>错误|不(?:正确|符合"
    r"|属于|支持|成立|选)|排除)的?(?:有|是|者|选项|说法)?:)"
    r"(?<=[r:o])[ ]"
)
"""At the beginning of a piece: what is said of all options in it (``Yes for pica; no for mania``)."""
_HEADING = re.compile(r"[^\n。;.?!]{1,80}(?<![.?!])\n")
_BAD = re.compile(
    r"(?i:\b(?:at odds|inconsistent|incompatible|contrary|conflict[a-z]*|contradict[a-z]*|incorrect|false"
    r"|untrue|wrong|not|excluded|unsupported"
    r"|distractors?|against|out|no|rejected|ruled out|outside)\b|n't\b)|不|错|非|无关|排除|干扰|剔除|淘汰"
)
_GOOD = re.compile(
    r"(?i:\b(?:in line|consistent|compatible|correct|true|supported|appl(?:y|ies)|yes|fits?|belongs?"
    r"|included|right|valid|accurate|in)\b)"
    r"|符合|正确|属于|支持|成立|相符|可选|保留|一致|入选"
)
"""In a line that heads a list of options: whether they are right."""
_SAID = re.compile(
    r"(?:^|[,:—–→-]) ?(?i:(?:所以|因此|故|也|都|均|so|hence|thus|therefore|this|that|it|they|these|those"
    r"|which|another|one|is|are|does|'s|an?)[ ]?){0,4}"
    r"(?P<denied>不(?:是|属于)|并非|(?:is |are )?not |n't )?(?:属于"
    r"|是)?(?P<said>[^。.,;:!?\n|—–]{2,80})"
)
_TICKS = re.compile(
    r"(?:^|\n)[ •·-]*(?:(?P<yes>[√✓✔✅☑])|[×✗✘❌✕]) ?(?P<said>[^\n√✓✔✅☑×✗✘❌✕]{1,300})(?=\n|$)"
)
_OF_THE_ANSWER = re.compile(
    r"选|保留|排除|剔除|淘汰|划|删|出局|(?i:\b(?:kept?|eliminated|excluded|out|dropp?(?:ed)?|ruled)\b)"
)
"""In a verdict: it is on the answer, which is no verdict on the truth where what is wrong is asked for."""
SHORTEST = 5
"""Characters of a piece on an option, at least: shorter replies are not looked at."""
MOST, MOST_OPTIONS = 60, 8
"""Pieces and options that are looked at."""


def closing_verdicts(
    text: str, table: OptionTable, question: QuestionWording
) -> dict[str, tuple[bool, int, int]]:
    """Each option's verdict and where it is named; empty where not every option has one."""
    if (
        not table.closed
        or not 2 < len(table.letters) <= MOST_OPTIONS
        or len(text) < SHORTEST * len(table.letters)
        or text.count("|") > 2 * len(table.letters)
    ):
        return {}  # a table: ``tables.py``
    names = Names(table)
    return _ticked(text, names) or _by_pieces(text, names, question)


def _by_pieces(text: str, names: Names, question: QuestionWording) -> dict[str, tuple[bool, int, int]]:
    verdicts: dict[str, tuple[bool, int, int]] = {}
    carried = line = ""
    headed: bool | None = None
    used: set[bool] = set()
    for start, end, said in islice(_pieces(text, question), MOST):
        piece, right = text[start:end], said
        if text[start - 1 : start] in ("\n", ""):
            carried = ""
            line = head = names.head(piece)
            if not head and _HEADING.fullmatch(text, start, end):
                headed = _heads(piece)
                continue
            if right is None and headed is not None and head and verdicts.get(head, (headed,))[0] == headed:
                right = headed
                used.add(headed)
        named = names.of(piece)
        if right is None and line and (own := _SENTENCE.fullmatch(piece)):
            named, right = line, own["yes"] is not None
        if right is None:
            carried = named or carried
            continue
        for letter in named or carried:
            if verdicts.get(letter, (right,))[0] != right:
                return {}
            verdicts[letter] = (right, start, end)
        carried = ""
    judged = {right for right, _, _ in verdicts.values()}
    every = len(verdicts) == len(names.letters) and len(judged) == 2
    return verdicts if every and len(used) != 1 else {}  # one heading alone is none


def _pieces(text: str, question: QuestionWording) -> Iterator[tuple[int, int, bool | None]]:
    """Sentences and lines, cut behind each verdict in them: where they stand and whether they say right."""
    for piece in _PIECE.finditer(text):
        begin, end = piece.span()
        if text[begin - 1 : begin] == "?" and (reply := _REPLY.match(text, begin, end)):
            yield begin, reply.end(), bool(reply["yes"] or reply["right"])
            continue
        if first := _FIRST.match(text, begin, end):
            yield first.end(), end, bool(first["yes"] or first["right"])
            continue
        at = begin
        while verdict := _VERDICT.search(text, begin + 1 if at == begin else at, end):
            right = any(verdict[name] for name in ("right", "yes", "yeah", "ticked"))
            untold = question.negative and _OF_THE_ANSWER.search(verdict[0])
            yield begin, verdict.start() + 1, None if untold else right
            begin = at = max(verdict.end(), begin + 1)
        if begin < end and text[begin:end].strip(" .。;,!?\n"):
            yield begin, end, _claims(text[begin:end], question)


def _heads(line: str) -> bool | None:
    """Whether a line heads what is right; None where it says neither."""
    if _BAD.search(line):
        return False
    return True if _GOOD.search(line) else None


def _claims(said: str, question: QuestionWording) -> bool | None:
    """What the clauses of a piece say in the question's words; None where they say nothing, or both."""
    if not question.key:
        return None
    claims = {
        clause["denied"] is None
        for clause in _SAID.finditer(said)
        if clause.start() and claimed(clause["said"], question, True)
    }
    return claims.pop() if len(claims) == 1 else None


def _ticked(text: str, names: Names) -> dict[str, tuple[bool, int, int]]:
    """``✓ 分散复习`` on lines of their own: the ticked options are right, all the others wrong."""
    verdicts: dict[str, tuple[bool, int, int]] = {}
    ticked = False
    for line in _TICKS.finditer(text):
        letter = names.head(line["said"])
        if not letter or letter in verdicts:
            return {}
        right = line["yes"] is not None
        verdicts[letter] = (right, *line.span("said"))
        ticked = ticked or right
    if not ticked or (len(verdicts) < 2 and len(verdicts) == len(names.letters)):
        return {}
    rest = {x: (False, 0, 0) for x in names.letters if x not in verdicts}
    verdicts |= rest
    return verdicts if len({right for right, _, _ in verdicts.values()}) == 2 else {}
