"""In which order the options of a question stand: shuffled for variety, or balanced over the letters.

Pure: questions and a seed or a generator in, questions out; the same seed gives the same order.
Collaborators: ``option_references`` says which options may not move. GRPO, which needs no rationale, makes
one question into several prompts by :func:`shuffle_options`; synthesis balances golds, since teachers like
some letters better and a policy would learn that.
Invariants:
- A question keeps its text and its right options.
- Where an option speaks of others, the order stays.
- Among balanced single keys of one number of options no letter occurs more than once oftener than another,
  but for questions that had to stay as they were.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from psyche_rl.questions.option_references import refers_to_others
from psyche_rl.records import LETTERS, Question, content_id
from psyche_rl.seeded import generator


def may_be_shuffled(question: Question) -> bool:
    """Whether the meaning of the options does not depend on their order."""
    return len(question.options) > 1 and not any(map(refers_to_others, question.options))


def shuffle_options(question: Question, rng: random.Random) -> Question:
    """The same question (same id) in a new option order, or as it is where an option refers to others."""
    if not may_be_shuffled(question):
        return question
    return _in_order(question, rng.sample(range(len(question.options)), len(question.options)))


def balanced(questions: Collection[Question], seed: int) -> Iterator[Question]:
    """The questions with options shuffled; single keys go to the letter that has occurred least so far.

    ``questions`` are gone through twice: those that may not be shuffled are counted first.
    """
    used: dict[int, Counter[str]] = {}
    for question in questions:
        if len(question.gold) == 1 and not may_be_shuffled(question):
            used.setdefault(len(question.options), Counter())[question.gold] += 1
    for question in questions:
        if not may_be_shuffled(question):
            yield question
            continue
        rng = generator(seed, "balance", question.id)
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
        yield reordered(question, order)


def reordered(question: Question, order: Sequence[int]) -> Question:
    """A new question with the ``order[i]``-th option in place i; gold and id follow."""
    moved = _in_order(question, order)
    parts = (moved.kind, moved.case or "", moved.stem, *moved.options, moved.gold)
    return moved.model_copy(update={"id": content_id("question", *parts)})


def _in_order(question: Question, order: Sequence[int]) -> Question:
    gold = "".join(LETTERS[new] for new, old in enumerate(order) if LETTERS[old] in question.gold)
    return question.model_copy(update={"options": tuple(question.options[i] for i in order), "gold": gold})
