"""What a clause says of its subject in the words that the question asks with.

Collaborators: ``judgements`` asks it of letters (``A, B and D are characteristics of groupthink``),
``stated_texts`` of option texts. Invariants:
- Nothing is said where the stem is not known, and nothing by a negation or hedge, unless the question
  itself asks with it.
- The kind of thing that is asked for (``which defence mechanism``, ``…的防御机制是``) tells no option from
  another.
- Of one letter all words must be the question's; of several two thirds.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from rewards.extraction.question import QuestionWording
from rewards.extraction.units import IDEOGRAPHS, WORD, beginning, pairs_of
from rewards.text.phrases import phrase_key

Claim = Literal["right", "answer"]
"""``right``: it is what the question's words say; ``answer``: it is what the question is after."""

_APPROVED = (
    r"warranted|justified|justifiable|acceptable|appropriate|permissible|permitted|allowed|advisable|indicated"
    r"|recommended|ethical|helpful|reasonable|defensible|legitimate|sound|safe|effective|adaptive|healthy"
    r"|necessary|required|useful|feasible|supportable|tenable|consistent|plausible|likely|testable|falsifiable"
)
_EVALUATED = re.compile(
    r"(?i:(?:(?:is|are|would be|was|were)(?: (?:also|both|clearly|generally|usually))?(?= |n't) ?)?"
    rf"(?P<not>(?:not|n't) |un|in|im|il|contra)?(?P<word>{_APPROVED}))"
    r"(?= ?(?:$|[.,;:!\n|\x03]| (?:because|since|as|but|and)\b))"
)
"""What an option is or is not, as a verdict of its own: ``Not warranted.``"""
_NOT = ("un", "in", "im", "il", "contra")

CLAUSE = re.compile(
    r"[ :=→—–-]{0,5}(?P<lead>who |that |which )?(?P<said>[^。,;!?\n|\x03:]{2,100}?)"
    r"(?=$|[。,;!?\n|\x03:]|\.(?: |$|\n)| (?:while|whereas|but|because|since|so|although|though|as well)\b"
    r"| and [A-Z]\b|而(?=[A-Z]))"
)
_BUT = re.compile(r"[^。.;\n]{0,14}?(?:\bbut\b(?! (?:option )?[A-H]\b)|但(?! ?(?:选项)?[A-H]))")
_HEDGES = re.compile(
    r"(?i:\b(?:not|n't|never|no|none|neither|nor|if|unless|whether|may|might|could|possibly|perhaps|another"
    r"|other|sometimes|often|confused|mistaken|similar|different|opposite|rather|instead|unlike|less"
    r"|without|distractors?|tempting|was|were)\b)|n't\b"
    r"|不|非|没|未|无|误|错|除|如果|若|假如|可能|也许|或许|例如|比如|其他|另|干扰|混淆|排除|区别|相反|相比"
    r"|容易|吗|么"
)
_NEGATES = re.compile(
    r"(?i:\b(?:not|least|except|false|wrong|un(?:true|supported|founded|ethical|warranted|justified|acceptable)"
    r"|in(?:correct|accurate|valid|appropriate))\b)|n't\b|不|非|没|无|错|误|除"
)
_THE_UNTRUE = re.compile(
    r"(?i:(?:is|are) the (?:only )?(?:one |two |three |four )?(?:untrue|false|incorrect|inaccurate"
    r"|inappropriate|mistaken) (?:ones?|statements?|options?|items?|claims?|choices?|answers?)) ?"
)
_SIGN = re.compile(r"\b(?:(?!(?<![A-Za-z] )A [a-z])[A-Z]|[IVX]{1,4}|\d{1,2}(?![.、]))\b")
"""What tells one of a kind from another: Type II, Stage 3; not the article that a sentence begins with."""
_OPPOSITES = (
    ("初级", "次级"),
    ("原发", "继发"),
    ("阳性", "阴性"),
    ("正强化", "负强化"),
    ("内部", "外部"),
    ("内隐", "外显"),
    ("长时", "短时"),
    ("先天", "后天"),
    ("顺行", "逆行"),
    ("积极", "消极"),
    ("主动", "被动"),
    ("primary", "secondary"),
    ("positive", "negative"),
    ("internal", "external"),
    ("implicit", "explicit"),
    ("anterograde", "retrograde"),
    ("intrinsic", "extrinsic"),
    ("short-term", "long-term"),
)
"""Words that tell one kind of thing from the other."""
_CHINESE_EMPTY = re.compile(
    r"选项|[两三四五六]?[项者种个类]|属于|归于|归为|归入|列入|之列|之中|范畴|属|体现|反映|符合|具有|具备"
    r"|描述|表现|包括"
    r"|特点|特征|这里|题干|题目|正是|正好|恰好|典型|情况|情境|类型|一种|之一|观点|就是|都|均|皆|全|也|才|就"
    r"|可以|可|能|会"
    r"|(?<![行认作因])为|是|的|了|在|和|与|所|这|此|该|其|要|应"
)
_EMPTY = frozenset(
    """
    the that this these those of in on at to for and or by an is are was were be been being with from
    which who whom what it its their his her your most best following given based above here among there
    then all both also each indeed clearly commonly typically usually generally widely considered
    regarded classified listed recognized recognised counted count counts seen part one ones under
    within core key main classic standard typical example examples good correct correctly true does has
    have had can will would should must do did only directly explicitly known called belong belongs
    described describe describes apply applies fit fits meet meets match matches captures capture
    question definition option options choice choices statement statements answer answers exactly precisely
    consistent characteristic characteristics feature features
    """.split()  # noqa: SIM905
)
"""Words that tell nothing of what is asked."""
_ASKS_WHICH_OF = re.compile(
    r"(?i:which(?:one)?(?:of|are|is|statement|would|belong|contribut)|whatare|select|allof|exceptional"
    r"|thefollowing|ofthese|each)|except"
)
_LISTS = ("有", "包括", "包含", "有哪些", "哪些", "的是", "属于")
_ASKS_WITH = ("are", "isa", "isan", "nota", "notan", "not", "include", "属于", "是", "为")
_ASKS_AFTER = ("包括", "有", "包含", "include", "are", "的有", "的是", "的选项")
_ASKS_IF = re.compile(r"哪[些一]?[项个]?(?:说法|观点|做法|选项|表述|描述|行为|情形|内容|认识)(?:是|属于)")
"""In a stem: what it ends with is said of the options, and is not their kind."""
_KIND = re.compile(r"(?:哪一?种|哪一?个|何种|什么|哪一?类|哪些)(?:的)?\Z")


def claims(text: str, at: int, question: QuestionWording, several: bool) -> tuple[Claim, int] | None:
    """What the clause at ``at`` says of its subject, and where it ends; None where it says nothing."""
    clause = CLAUSE.match(text, at) if question.key else None
    if clause is None or _BUT.match(text, clause.end()):
        return None
    cleft = clause["lead"] is not None
    claim = claimed(clause["said"], question, several or (cleft and not question.negative))
    return (claim, clause.end()) if claim else None


def claimed(said: str, question: QuestionWording, several: bool) -> Claim | None:
    """Whether the words are those that the question asks with."""
    if question.opposed:
        return None  # the words of the stem are those of either side
    if question.negative:
        if question.polarity == "false" and _THE_UNTRUE.fullmatch(said):
            return "answer"
        if _NEGATES.search(said):
            return (
                "answer" if not several and _NEGATES.search(said[:24]) and _told(said, question, 1) else None
            )
        return "right" if several and _told(said, question, 2 / 3) else None
    if not all(question.says(m[0].lower()) for m in _HEDGES.finditer(said)):
        return None
    return "right" if _told(said, question, 2 / 3 if several else 1) else None


def evaluated(text: str, at: int, question: QuestionWording) -> bool | None:
    """Whether an adjective at ``at`` that the question asks with approves; None where there is none."""
    found = _EVALUATED.match(text, at)
    if found is None:
        return None
    word, approves = found["word"].lower(), found["not"] is None
    asks = question.words
    opposite_asked = any(before + word in asks for before in _NOT)
    if question.negative:
        return approves if opposite_asked or word in asks else None
    if opposite_asked:
        return not approves
    return approves if word in asks else None


def asked_for(predicate: str, stem: str) -> bool:
    """Whether the question asks which options are that."""
    key = phrase_key(predicate)
    return stem.endswith(tuple(key + verb for verb in _ASKS_AFTER)) or any(
        verb + one in stem for one in {key, key.removesuffix("s")} for verb in _ASKS_WITH
    )


def is_kind(said: str, question: QuestionWording) -> bool:
    """Whether the words only name the kind of thing that the question asks for."""
    key = _CHINESE_EMPTY.sub("", "".join(IDEOGRAPHS.findall(said.rsplit("的", 1)[-1])))
    stem = question.key.rstrip("是为")
    if (
        key
        and "的" in stem
        and (tail := stem.rsplit("的", 1)[-1])
        and not question.key.endswith(_LISTS[:5])
        and not _ASKS_IF.search(stem)
        and key in tail
    ):
        return True
    at = stem.find(key) if key else -1
    return at > 0 and _KIND.search(stem[:at]) is not None


def other_sign(said: str, question: QuestionWording) -> bool:
    """Whether the words name another of the kind: Type II where Type I is asked for, 初级 where 次级 is."""
    return opposite(said, question) or not set(_SIGN.findall(said)) <= set(_SIGN.findall(question.asks))


def opposite(said: str, question: QuestionWording) -> bool:
    """Whether the words name the opposite of what the question asks for."""
    others = _opposites(question.asks)
    return bool(others) and any(word in said.lower() for word in others)


def lacks_sign(said: str, question: QuestionWording) -> bool:
    """Whether the words name another of the kind, or lack the word that tells the kind asked for."""
    asks, low = question.asks.lower(), said.lower()
    one_of_two = (word for pair in _OPPOSITES for word in pair if word in asks)
    return other_sign(said, question) or any(word not in low for word in one_of_two)


@lru_cache(maxsize=8192)
def _opposites(asks: str) -> tuple[str, ...]:
    """The words that are the opposite of one in the sentence that asks, and not in it themselves."""
    told = asks.lower()
    pairs = [*_OPPOSITES, *((other, one) for one, other in _OPPOSITES)]
    return tuple(one for one, other in pairs if other in told and one not in told)


def _told(said: str, question: QuestionWording, share: float) -> bool:
    stem = question.key
    words = [w for w in WORD.findall(said.lower()) if w not in _EMPTY and w not in ("not", "least")]
    pairs = pairs_of(re.sub("[不非]", " ", said), _CHINESE_EMPTY)
    if other_sign(said, question):
        return False
    known = question.words
    told = [any(w.startswith(beginning(word)) for w in known) for word in words]
    told += [pair in stem for pair in pairs]
    if not told or sum(told) < share * len(told):
        return False
    if words and not _ASKS_WHICH_OF.search(stem):
        return sum(told) * 7 >= len(stem) / 3  # most of what a question of another form says
    return not (pairs and is_kind(said, question) and not asked_for(said, stem))
