"""What a sentence shares with the question's stem, word for word; pairs of ideographs in Chinese.

Collaborators: ``prose.py`` asks it of sentences that name options. Invariants:
- Words that tell nothing of what is asked (``the``, ``option``, ``是``) do not count on either side.
- An English word is the same in another form: the first letters agree (``bullied``, ``bullying``).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from rewards.extraction.question import QuestionWording
from rewards.extraction.units import WORD, pairs_of, same_word

_EMPTY = frozenset(
    """
    the that this these those and for are was were been being with from which who whom whose what
    its their his her your you our we they them there then thus hence therefore here all one ones
    any some each both also most best following given above below among between about into onto than
    such has have had does did can will would should must could may might option options choice
    choices answer answers item items list listed lists statement statements correct correctly true
    described describes describe called termed known refers refer referred means meant include
    includes included including involve involves consist consists comprise comprises use uses used
    using show shows showing indicate indicates suggest suggests apply applies fit fits when where
    how why while because since under condition example indeed clearly typically usually generally
    you've i'd it's that's during marked marks features characterized characterised defined contain
    contains found see seen find need needs comes come lead leads involved belong belongs count
    """.split()  # noqa: SIM905
)
_CHINESE_EMPTY = re.compile(
    r"选项|下列|以下|[两三四五六一][项者种个类]|属于|归于|体现|反映|描述|包括|这里|题干|题目|就是|正是|称为"
    r"|叫做|哪|什么"
    r"|都|均|皆|全|也|才|就|(?<![行认作因])为|是|的|了|(?<![存现潜内外])在|和|(?<!参)与|所|这|此|该|其|有|被"
)
_SPOILS = re.compile(
    r"(?i:\b(?:not|never|no|none|neither|nor|cannot|incorrect|wrong|false|except|unlike|if|unless|whether"
    r"|another|others?|possible|may|might|could|would|perhaps|distractors?|tempting|tempted|rather|instead"
    r"|excluded?|ruled|opposite|opposed?|sometimes|confused?|mistaken(?:ly)?|alternatively|example|instance"
    r"|so-called|less|without|contrary|misconception|argue[sd]?|once|formerly|initially|students?"
    r"|people think"
    r"|think|thinks|say|says|similar|related|differs?|different|distinguish(?:ed)?|compare[ds]?|consider"
    r"|discuss|explore|look|let's|evaluate|examine|assess|analy[sz]e|determine)\b)|n't\b"
    r"|不|非|没|未|无|误|错|除|如果|若|假如|可能|也许|或许|例如|比如|其他|另|干扰|混淆|排除|区别|相反|相比"
    r"|容易|吗|么|有人|认为"
    r"|类似|相关|不同|曾|看看|讨论|考虑"
)


COUNTED = re.compile(
    r"(?:\b(?:two|three|four|five|several)\b[^.!?\n:]{0,30}|[两二三四五][个种项类条][^。\n:]{0,8}): ?\Z"
)
"""Before a text: it is the first of several."""


class Overlap(NamedTuple):
    """``told`` of ``said`` units of a sentence are the stem's; ``covered`` of its ``asked`` are told."""

    told: int
    said: int
    covered: frozenset[str]
    asked: int

    @property
    def share(self) -> float:
        """How much of the sentence is the stem's."""
        return self.told / self.said if self.said else 0.0

    @property
    def covers(self) -> float:
        """How much of the stem the sentence says."""
        return len(self.covered) / self.asked if self.asked else 0.0

    def plus(self, other: Overlap) -> Overlap:
        """Both parts of one sentence."""
        return Overlap(
            self.told + other.told, self.said + other.said, self.covered | other.covered, self.asked
        )


def overlap(said: str, question: QuestionWording) -> Overlap:
    """What a piece of a folded reply shares with the sentence of the stem that asks."""
    asked = _units(question.asks.lower())
    own = _units(said.lower())
    covered = frozenset(unit for unit in asked if any(same_word(unit, one) for one in own))
    told = sum(any(same_word(unit, one) for unit in asked) for one in own)
    return Overlap(told, len(own), covered, len(asked))


def spoilt(said: str, question: QuestionWording) -> bool:
    """Whether words negate or hedge that the stem does not have, or lack the stem's own negation."""
    if question.negative and not any(question.says(m[0].lower()) for m in _SPOILS_OR_LEAST.finditer(said)):
        return True
    return any(m[0] == "可能" or not question.says(m[0].lower()) for m in _SPOILS.finditer(said))


_SPOILS_OR_LEAST = re.compile(_SPOILS.pattern + r"|(?i:\bleast\b)")


@lru_cache(maxsize=1024)
def _units(said: str) -> tuple[str, ...]:
    words = dict.fromkeys(w for w in WORD.findall(said) if w not in _EMPTY)
    pairs = dict.fromkeys(pairs_of(said, _CHINESE_EMPTY))
    return (*words, *pairs)
