"""Ordered sections in the think block: emotions, causes, intentions; the reply to the seeker follows it.

1.0 where the one think block holds all sections in their order, none empty, and an answer part follows; else
0.0. The package's ``ordered_sections`` asks the same of the answer part.
"""

from __future__ import annotations

from rewards import OrderedSections, Reward, RewardSample, Score, ThinkFormat
from rewards.text.think_tags import think_blocks

CHAIN = ("情绪|情感|emotions", "原因|成因|causes", "意图|需求|intentions")


class ThinkSections(Reward):
    """Format and order of the chain of empathy. ``sections``: the names of each, parted by ``|``."""

    name = "think_sections"

    def __init__(self, sections: tuple[str, ...] = CHAIN) -> None:
        self.sections = tuple(sections)
        self._in_order, self._form = OrderedSections(self.sections), ThinkFormat(allow_empty=False)

    def score(self, sample: RewardSample) -> Score:
        """0.0 or 1.0; never an error."""
        if self._form.score(sample).value != 1.0:
            return Score.of(0.0)
        (thought,) = think_blocks(sample.response)
        return self._in_order.score(sample.model_copy(update={"response": thought}))
