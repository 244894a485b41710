"""Named sections in order: the chain of empathy from emotions to the reply.

The answer part is the sections, each under its own heading on a line (情绪：…, 【情绪】, ### 情绪,
**情绪**：…), each once, in the order given, none empty and nothing before the first. ``|`` parts names of
one section. A reply cut off at the token limit fails. Source: Chain of Empathy (Lee et al. 2023, arXiv
2311.04915): emotions, their causes, the seeker's intentions, then the reply; the order is that of
Psyche-R1's empathetic data.

    >>> from rewards import OrderedSections, RewardSample
    >>> def order(response):
    ...     sample = RewardSample(id="1", response=response, gold="", kind="case")
    ...     return OrderedSections().score(sample).value
    >>> order("情绪：难过\\n原因：落榜\\n意图：想被理解\\n回复：这一定很不好受。")
    1.0
    >>> order("原因：落榜\\n情绪：难过\\n意图：想被理解\\n回复：这一定很不好受。")
    0.0
"""

from __future__ import annotations

import re

from rewards.reply import answer_part
from rewards.reward import Reward
from rewards.score import RewardSample, Score
from rewards.text.canonical import canonical_text

CHAIN_OF_EMPATHY = ("情绪|情感|emotions", "原因|成因|causes", "意图|需求|intentions", "回复|回应|reply")


class OrderedSections(Reward):
    """1.0 where all sections stand in order, else 0.0.

    Raises:
        ValueError: there is no section, or two share a name.
    """

    name = "ordered_sections"

    def __init__(self, sections: tuple[str, ...] = CHAIN_OF_EMPATHY) -> None:
        names = [canonical_text(name).casefold() for section in sections for name in section.split("|")]
        if not names or not all(names) or len(set(names)) != len(names):
            raise ValueError(f"sections need names, each its own, got {list(sections)}")
        self.sections = tuple(sections)
        self._place = {
            canonical_text(name).casefold(): place
            for place, section in enumerate(sections)
            for name in section.split("|")
        }
        heading = "|".join(sorted(map(re.escape, self._place), key=len, reverse=True))
        self._heading = re.compile(
            rf"^[ \t>#*\-\[【(]{{0,12}}(?:\d{{1,2}}[.、)])?[ \t*\[【(]{{0,12}}(?P<name>{heading})"
            r"[ \t]*(?:[\]】)*]{1,4}[ \t]*:?[ \t*]*|:[ \t*]*|$)",
            re.IGNORECASE | re.MULTILINE,
        )

    def score(self, sample: RewardSample) -> Score:
        """0.0 or 1.0; never an error."""
        return Score.of(float(not sample.truncated and self._in_order(answer_part(sample.response))))

    def _in_order(self, answer: str) -> bool:
        text = canonical_text(answer)
        headings = list(self._heading.finditer(text))
        if [self._place[m["name"].casefold()] for m in headings] != list(range(len(self.sections))):
            return False
        ends = [m.start() for m in headings[1:]] + [len(text)]
        filled = all(text[m.end() : end].strip() for m, end in zip(headings, ends, strict=True))
        return filled and not text[: headings[0].start()].strip()
