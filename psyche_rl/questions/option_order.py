"""Showing a question with its options in another order; the gold follows.

Pure. Used by GRPO, which needs no rationale, to make one question into several prompts.
"""

from __future__ import annotations

import random
import re

from psyche_rl.records import LETTERS, Question

# Options that speak of other options lose their sense when moved: 以上都是, A和B都对, 前两项 …
_REFERS = re.compile(
    r"以上|上述|前[两三几]|[A-H]\s*(?:[和与、及+&]|and|or|nor)\s*[A-H]|都[是对不正错]|均[是对不为正错]"
    r"|[Aa]ll of|[Nn]one of"
)


def shuffle_options(question: Question, rng: random.Random) -> Question:
    """The same question (same id) in a new option order, or as it is where an option refers to others."""
    if len(question.options) < 2 or any(_REFERS.search(option) for option in question.options):
        return question
    order = rng.sample(range(len(question.options)), len(question.options))
    gold = "".join(LETTERS[new] for new, old in enumerate(order) if LETTERS[old] in question.gold)
    return question.model_copy(update={"options": tuple(question.options[i] for i in order), "gold": gold})
