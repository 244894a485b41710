"""What a question's wording says of its answer: whether it asks for the option that is wrong.

Collaborators: ``statements`` and ``findings`` read ``错误的是D`` and verdicts by it, ``segments`` looks for a
copy of the stem in the reply. Patterns on folded text (see ``spelling.py``).
Invariants:
- The last sentence of a stem asks; what stands before it (a case) does not.
- Without a stem the polarity is unknown, unless the reply itself speaks of it.

    >>> [question(stem).polarity for stem in ("下列说法错误的是", "不属于防御的是", "下列属于防御的是", None)]
    ['false', 'outside', 'plain', 'unknown']
    >>> question("Which of the following is NOT a defence?").polarity
    'outside'
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from rewards.extraction.spelling import fold
from rewards.text.phrases import phrase_key

Polarity = Literal["plain", "false", "outside", "unknown"]
"""``false``: the wrong statement is asked for; ``outside``: the option that does not belong."""

LONGEST_SENTENCE = 300
"""Characters of the sentence that asks; a longer one is read from its end."""
_FIRST_OPTION = re.compile(r"\n ?(?:选项 ?)?A ?[.、:,) ]")
_SENTENCE = re.compile(r"[^。!?\n]*[^。!?\n\s][。!?\n ]*$")
_INSTRUCTION = re.compile(
    r"(?i:(?<=[.?!:\n]) ?(?:please )?(?:select|choose|mark|pick|check) (?:all|the|one|two|three|any"
    r"|every)\b[^.?!\n]{0,60}[.!: ]*$)"
    r"|(?<=[。?!\n]) ?(?:请|\d选|本题|[单多]选题?|不定项|可?复选|可多选|选择所有)[^。?!\n]{0,30}[。! ]*$"
    r"| ?(?:多选|单选|可?复选|不定项选择|可[多复]选|[多复]选|至少两项|select all that apply"
    r"|choose all that apply)题? ?[.。]?$"
)
"""At the end of a stem: how to answer, not what is asked."""
_ENGLISH_WORD = re.compile(r"[a-z][a-z'-]+")
_EMPHASIS = re.compile(r"(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])")
"""Blanks that quotes leave in a stem: 下列何者「不」正確."""
_WRONG = (
    r"(?:错误|不正确|有误|不对|不恰当|不妥当?|不合适|不适当|不适宜|不准确|不合理|不当|不科学|不成立|不真实)"
    r"(?!的?(?:信念|认知|观念|想法|思维|归因|情绪|行为|反应|记忆|动机|态度))"
)
_SAYING = r"(?:叙述|说法|描述|表述|观点|理解|做法|论述|陈述|判断|解释|阐述)"
_ENDS = r"[ ?:。_!]*$"
_FALSE = re.compile(
    rf"{_WRONG}的(?!归因|认知|观念|信念|想法|反应)|(?:哪|何者)[^,。?\n]{{0,20}}{_WRONG}"
    rf"|(?:哪[一个项些]{{1,3}}|何者)(?:为|是)?(?:非|误|错){_ENDS}|选(?:出|择)?{_WRONG}"
    rf"|{_WRONG}(?:选项|者|{_SAYING})|{_SAYING}[^,。?\n]{{0,8}}{_WRONG}"
    r"|(?i:(?<!\ba )(?<!\ban )\b(?:incorrect|inaccurate|untrue|false|wrong|inappropriate)\b(?! (?:but|belief"
    r"|memor|alarm|consensus|positive|negative|self|feedback|confession|uniqueness|perception))"
    r"|\ban? (?:incorrect|inaccurate|untrue|false|wrong|inappropriate) (?:statement|claim|description"
    r"|assertion|answer|option|example|match|pair|use|way|response|practice)s?\b)"
    r"|(?i:\bnot (?:true|correct|accurate|appropriate)\b)"
)
_ASKING = r"(?:下列|以下|下面|下述|上述|哪|何者|选项)"
_OUTSIDE = re.compile(
    rf"不(?:属于|包括|包含)(?:[^,。?\n]{{0,40}}的(?:一?项|选项)?(?:是|有|为)|[^,。?\n]{{0,20}}{_ENDS})"
    rf"|{_ASKING}[^。?\n]{{0,60}}(?:不(?:是|属于|包括|包含|符合|具有|具备|能|应|会|可|宜|需|必|参与|支持"
    rf"|适宜)"
    r"|没有|并非|无关|未(?!成年|来|婚|知))"
    rf"|无关的(?:一?项|选项)?(?:是|有|为)|除[^。?\n]{{1,60}}?(?:外|以外|之外)(?:的|都|均|皆|,?{_ENDS})"
    rf"|(?:例外|除外)(?:的(?:是|一项))?{_ENDS}"
    rf"|不(?:是|能|应|应该|可|会|宜|需要|适宜|符合)[^,。?\n]{{0,30}}的[^,。?\n的]{{0,6}}(?:是|为|有){_ENDS}"
    r"|何者(?:为|是)?(?:非|除外|例外)|最不(?!安|满|利)"
    r"|\bNOT\b|\bEXCEPT\b|\bLEAST\b|(?i:\bexcept(?:ion)?\b)"
    r"|(?i:\bleast (?:appropriate|suitable|helpful|effective|ethical|accurate|acceptable|advisable|useful)\b)"
    r"|(?i:\b(?:which|what)\b[^?\n]{0,80}(?:\bnot\b|n't\b))"
)
_SEVERAL = re.compile(
    r"哪些|哪[几两三四]|的有|(?<=[可以能\u4e00-\u9fff])(?<![没只具所拥])有[ :?。]*$|包括|[多复]选"
    r"|(?i:select all|\bwhich (?:two|three|four)\b"
    r"|\bwhich(?: of (?:the following|these|those))?(?: (?!do|did|does|can|is)[a-z'-]+){0,3}"
    r" (?:are|were|have|do|count|belong|apply|qualify|contribute|involve|include|help|increase|reduce"
    r"|describe|represent|reflect|fall|support)\b"
    r"|\b(?:which|what)(?: of (?:the following|these|those))? (?:[a-z-]+ ){0,2}(?:statements|behaviou?rs"
    r"|factors|symptoms"
    r"|features|structures|lobes|techniques|methods|signs|concepts|conditions|disorders|tests|criteria"
    r"|processes|areas"
    r"|functions|skills|strategies|interventions|neurotransmitters|stages|traits|circumstances|components"
    r"|elements"
    r"|cues|measures|principles|duties|medications) (?!(?:is|was|has|does|did|best|most)\b))"
)
_OPPOSED = re.compile(
    r"(?i:\b(?:rather than|as opposed to|instead of|in contrast to|unlike)\b)|而不是|而非|区别于"
)
_MYTHS = re.compile(
    r"误解|误区|迷思|谬误|谣言|(?i:\b(?:myths?|misconceptions?|fallac(?:y|ies)|misbeliefs?)\b)"
)
_SPOKEN = re.compile(
    rf"(?:选出|要求|问的?是?|找出?|选择|选取)[^,。;\nA-Z]{{0,12}}{_WRONG}[^,。;\nA-Z]{{0,4}}"
    r"(?:的|项|选项|说法)|选非题|(?:反向|否定|逆向)(?:提问|选择|题)"
    r"|(?:要求|问的?是?|找出?)[^,。;\n]{0,12}不(?:属于|包括|是|符合)"
    r"|(?i:\b(?:asks?|asking|looking) (?:us )?(?:for|which|to)[^.\n]{0,60}\b(?:not|incorrect"
    r"|false|wrong|except)\b)"
)
_SPOKEN_WORDS = (
    "选出",
    "选择",
    "选取",
    "选非",
    "要求",
    "问",
    "找",
    "反向",
    "否定",
    "逆向",
    "asks",
    "asking",
    "looking",
)
"""In a reply: it says that the question asks for the wrong option."""


@dataclass(frozen=True, slots=True)
class QuestionWording:
    """``key`` is the stem's letters and ideographs, "" where it is not known; ``several``: it may have
    more than one answer by its wording."""

    polarity: Polarity
    several: bool
    key: str
    whole: str = ""
    """The same of all of the stem."""
    asks: str = ""
    """The sentence that asks, as it is written."""
    words: tuple[str, ...] = ()
    """Its English words, in lower case."""
    of_myths: bool = False
    """Whether what people wrongly believe is asked for."""

    def says(self, word: str) -> bool:
        """Whether the sentence that asks has a word, or Chinese characters, in lower case."""
        if not word.isascii():
            return word in self.key
        if word in self.words or any("-" in one and word in one.split("-") for one in self.words):
            return True
        return "n't" in word and any("n't" in one for one in self.words)

    @property
    def opposed(self) -> bool:
        """Whether the stem names the opposite of what it asks for, so that its words tell nothing alone."""
        return _OPPOSED.search(self.asks) is not None

    @property
    def negative(self) -> bool:
        """Whether what is wrong, or does not belong, is the answer."""
        return self.polarity in ("false", "outside")


UNKNOWN = QuestionWording("unknown", several=False, key="")


@lru_cache(maxsize=8192)
def question(stem: str | None) -> QuestionWording:
    """What the wording of a stem, or of a whole prompt with its options, says."""
    if not stem or not stem.strip():
        return UNKNOWN
    text = fold(stem).text.strip()
    options = _FIRST_OPTION.search(text)
    text = text[: options.start()] if options else text
    text = _INSTRUCTION.sub("", text)
    asks = _SENTENCE.search(text, max(0, len(text) - LONGEST_SENTENCE))
    sentence = _EMPHASIS.sub("", asks[0] if asks else text)
    polarity: Polarity = "plain"
    if _FALSE.search(sentence):
        polarity = "false"
    elif _OUTSIDE.search(sentence):
        polarity = "outside"
    return QuestionWording(
        polarity,
        _SEVERAL.search(sentence) is not None,
        phrase_key(sentence),
        phrase_key(text),
        sentence,
        tuple(set(_ENGLISH_WORD.findall(sentence.lower()))),
        _MYTHS.search(sentence) is not None,
    )


def spoken_of(reply: str) -> QuestionWording:
    """What a reply says of a question whose stem is not known."""
    says = any(word in reply for word in _SPOKEN_WORDS) and _SPOKEN.search(reply)
    return QuestionWording("false", False, "") if says else UNKNOWN
