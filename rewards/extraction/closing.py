"""Verdicts that close the pieces of a reply, each on the options that its piece names: ``投射：…，不匹配``.

Collaborators: ``reply_rules`` asks it where nothing is stated and neither ``blocks.py`` nor ``in_turn.py``
has found verdicts; ``named.py`` tells which options a piece names. Invariants:
- Every option has its verdict, and no option two that differ; at least one is right, and one wrong.
- Ticked lines count alone: each begins with an option, and another option is not ticked.
"""

from __future__ import annotations

import re

from rewards.extraction.named import Names
from rewards.extraction.options import OptionTable
from rewards.extraction.predicates import claimed
from rewards.extraction.question import QuestionWording

_SO = (
    r"(?:所以|因此|因而|故|也|同样|都|均|皆|全|则|就|是|为|该项|此项|该说法|此说法|该选项|这一?[项条点]?|说法|表述|描述|明显|显然|应该?|应当|可以?|可){0,4}"
)
_RIGHT = (
    r"正确的?|对的?|成立|属于|符合(?:题意|要求|题干|描述|定义|条件)?|匹配|吻合|一致|相符|支持|可选|可取|可行|应选|入选|当选|选"
    r"|保留|无误|准确|恰当|合理|有效|没有?问题|没错|满足|具备"
)
_WRONG = (
    r"错误?的?|有误|不(?:正确|对|是|成立|属于|符合(?:题意|要求|题干|描述|定义|条件)?|匹配|吻合|一致|相符|支持|可选|可取|可行|选|准确|恰当|合理|满足"
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
)
_NO = (
    r"incorrect|wrong|false|invalid|unsupported|inaccurate|untrue|excluded|out|no|nope|nah|not at all|not really"
    r"|hardly|irrelevant|eliminated|unrelated|fails?|ruled out|dropp?(?:ed)?|not quite|absent"
    r"|(?:is|are|does|do)(?: not|n'?t)(?: (?:there|in|correct|right|true|valid|supported|accurate|included"
    r"|relevant|apply|fit|qualify|count|hold(?: up)?|work|match|listed|belong|one(?: of them)?))?"
    r"|not (?:there|in|correct|right|true|valid|supported|accurate|included|relevant|listed|one)"
)
_END = r"(?= ?(?:$|[。.,;!?\n|\x03])| ?[—–]| [,;])"
_VERDICT = re.compile(
    rf"(?:[,:—–→=>|;-] ?|(?<=[\u4e00-\u9fff]) ){_SO}(?:(?P<right>{_RIGHT})|(?P<wrong>{_WRONG}))(?: ?[,。;\n]|(?= ?$))"
    rf"|(?:[,:;—–→=>|-] ?|[?.] |(?<=[a-z]) (?=(?:is|are|does|do)\b))(?i:{_THAT}(?:(?P<no>{_NO})|(?P<yes>{_YES}))){_END}"
    r"|[:—–] (?i:(?P<nope>false|incorrect|wrong|no|invalid)|(?P<yeah>true|correct|yes|valid|right))"
    r"\b(?! (?:only|if|when|for|of|or|and|but|that|to|in)\b)"
    r"|(?P<ticked>[√✓✔✅☑])|(?P<crossed>[×✗✘❌✕])"
)
_PIECE = re.compile(r"(?:[^\n。;.?!]|[.](?![ \n]|$)){1,400}(?:\?[^\n。;.?!]{1,60}(?:[,!.] [^\n。;.?!]{1,60})?)?[。;.!?\n]?")
_SAID = re.compile(
    r"(?:^|[,:—–→-]) ?(?i:(?:所以|因此|故|也|都|均|so|hence|thus|therefore|this|that|it|they|these|those|which|another|one|is|are|'s|an?)[ ]?){0,4}"
    r"(?P<denied>不(?:是|属于)|并非|(?:is |are )?not |(?<=t)n't )?(?:属于|是)?(?P<said>[^。.,;:!?\n|—–]{2,80})"
)
_TICKS = re.compile(r"(?:^|\n)[ •·-]*(?:(?P<yes>[√✓✔✅☑])|[×✗✘❌✕]) ?(?P<said>[^\n√✓✔✅☑×✗✘❌✕]{1,300})(?=\n|$)")
MOST = 60
"""Pieces that are looked at."""


def closing_verdicts(
    text: str, table: OptionTable, question: QuestionWording
) -> dict[str, tuple[bool, int, int]]:
    """Each option's verdict and where it is named; empty where not every option has one."""
    if not table.closed or not 2 < len(table.letters) <= 8:
        return {}
    names = Names(table)
    if text.count("|") > 2 * len(table.letters):
        return {}  # a table: ``tables.py``
    if ticked := _ticked(text, names):
        return ticked
    verdicts: dict[str, tuple[bool, int, int]] = {}
    carried = ""
    for count, (start, end, right) in enumerate(_pieces(text, question)):
        if count > MOST:
            return {}
        if text[start - 1 : start] == "\n":
            carried = ""
        named = names.of(text[start:end])
        if right is None:
            carried = named or carried
            continue
        for letter in named or carried:
            if verdicts.get(letter, (right,))[0] != right:
                return {}
            verdicts[letter] = (right, start, end)
        carried = ""
    judged = {right for right, _, _ in verdicts.values()}
    return verdicts if len(verdicts) == len(table.letters) and len(judged) == 2 else {}


def _pieces(text: str, question: QuestionWording) -> list[tuple[int, int, bool | None]]:
    """Sentences and lines, cut behind each verdict in them: where they stand and whether they say right."""
    found: list[tuple[int, int, bool | None]] = []
    for piece in _PIECE.finditer(text):
        begin, end = piece.span()
        at = begin
        while verdict := _VERDICT.search(text, begin + 1 if at == begin else at, end):
            right = any(verdict[name] for name in ("right", "yes", "yeah", "ticked"))
            found.append((begin, verdict.start() + 1, right))
            begin = at = max(verdict.end(), begin + 1)
        if begin < end and text[begin:end].strip(" .。;,!?\n"):
            found.append((begin, end, _claims(text[begin:end], question)))
    return found


def _claims(said: str, question: QuestionWording) -> bool | None:
    """What the clauses of a piece say in the question's words; None where they say nothing, or both."""
    if not question.key or question.negative:
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
