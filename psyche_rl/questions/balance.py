"""Balancing gold letters: teachers like some letters better, and a policy would learn that.

Pure: questions and a seed in, questions with shuffled options out; the same seed gives the same order.
Invariants: a question keeps its text and its right options; where an option speaks of others by letter or
by place, the order stays; among single keys of one number of options no letter occurs more than once
oftener than another, but for questions that had to stay as they were.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence

from psyche_rl.records import LETTERS, Question, content_id

_SPEAKS_OF_OTHERS = re.compile(
    r"以上|上述|前面|前述|均(?:是|对|正确|不)|都(?:是|对|正确|不)|[A-H]\s*[和与、,，]\s*[A-H]|选项\s*[A-H]"
)


def may_be_shuffled(question: Question) -> bool:
    """Whether the meaning of the options does not depend on their order."""
    return bool(question.options) and not any(_SPEAKS_OF_OTHERS.search(option) for option in question.options)


def balanced(questions: Sequence[Question], seed: int) -> list[Question]:
    """The questions with options shuffled; single keys go to the letter that has occurred least so far."""
    used: dict[int, Counter[str]] = {}
    for question in questions:
        if len(question.gold) == 1 and not may_be_shuffled(question):
            used.setdefault(len(question.options), Counter())[question.gold] += 1
    result = []
    for question in questions:
        if not may_be_shuffled(question):
            result.append(question)
            continue
        rng = random.Random(f"{seed}/balance/{question.id}")
        order = rng.sample(range(len(question.options)), len(question.options))
        if len(question.gold) == 1:
            counts = used.setdefault(len(question.options), Counter())
            letters = question.letters
            fewest = min(counts[letter] for letter in letters)
            target = rng.choice([letter for letter in letters if counts[letter] == fewest])
            counts[target] += 1
            right, place = LETTERS.index(question.gold), LETTERS.index(target)
            order.remove(right)
            order.insert(place, right)
        result.append(reordered(question, order))
    return result


def reordered(question: Question, order: Sequence[int]) -> Question:
    """The question with its ``order[i]``-th option in place i; gold and id follow."""
    options = tuple(question.options[old] for old in order)
    gold = "".join(
        letter for letter, old in zip(LETTERS, order, strict=False) if LETTERS[old] in question.gold
    )
    id_ = content_id("question", question.kind, question.case or "", question.stem, *options, gold)
    return question.model_copy(update={"id": id_, "options": options, "gold": gold})
