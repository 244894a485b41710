"""What the mini world's base model and selectors have read: flash cards and exercises.

Role: endless, seeded (prompt, reply) pairs.
- A model of this size learns the facts only from much repetition, and to compare two concept names only from
  an exercise in nothing else. So a page is mostly flash cards (running text would take most of the tokens and
  teach little).
- Exercises ask training questions in another layout than the exam's and never give an answer.
- The selectors, which stand in for finished LLMs, see exam questions instead, with the keys of a teacher that
  has our teacher's habit.

Invariant: only questions of the training split occur.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from psyche_rl.config.prompt import PromptConfig
from psyche_rl.mini.cards import Card, owners
from psyche_rl.mini.exam_records import to_record
from psyche_rl.mini.world import (
    VERDICTS,
    ExamShape,
    WorldQuestion,
    draw_kind,
    make_question,
    rationale,
    teacher_key,
)
from psyche_rl.questions.render import question_text, reply_text
from psyche_rl.seeded import generator


class TextPair(NamedTuple):
    """What is asked, what follows, and (not learned) how the reply has begun already."""

    prompt: str
    reply: str
    begun: str = ""


@dataclass(frozen=True)
class PageMix:
    """Pairs of each sort on a page, that is, in one optimizer step."""

    recall: int = 32
    compare: int = 48
    exercise: int = 12
    exam: int = 0

    @property
    def pairs(self) -> int:
        """Pairs on a page."""
        return self.recall + self.compare + self.exercise + self.exam


BASE_MIX = PageMix()
SELECTOR_MIX = PageMix(exercise=4, exam=10)


def pages(book: Book, count: int, seed: int, mix: PageMix) -> Iterator[TextPair]:
    """The pairs of ``count`` pages, page by page."""
    rng = generator("pages", seed)
    sorts: list[tuple[Callable[[random.Random], TextPair], int]] = [
        (book.recall, mix.recall),
        (book.compare, mix.compare),
        (book.exercise, mix.exercise),
        (book.exam, mix.exam),
    ]
    for _ in range(count):
        for write, times in sorts:
            for _ in range(times):
                yield write(rng)


class Book:
    """Writes pairs of each sort. ``key_omission``: the habit of the teacher that keyed the exam questions."""

    def __init__(self, cards: Sequence[Card], prompt: PromptConfig, key_omission: float) -> None:
        self._cards, self._owner = list(cards), owners(cards)
        self._prompt, self._key_omission = prompt, key_omission
        self._phrases = list(self._owner)
        self._confused = {
            c.name: [d for d in cards if d.name in c.confused_with] or list(cards) for c in cards
        }

    def recall(self, rng: random.Random) -> TextPair:
        """Which concept a phrase speaks of."""
        phrase = rng.choice(self._phrases)
        return TextPair(f"{phrase}，说的是", self._owner[phrase])

    def compare(self, rng: random.Random) -> TextPair:
        """Whether two names are the same; half of them are, the rest often easily confused.

        The second name begins the reply: there it stands as it does in a scan, where the skill is needed.
        """
        card = rng.choice(self._cards)
        if rng.random() < 0.5:
            other = card
        else:
            other = rng.choice(self._confused[card.name] if rng.random() < 0.3 else self._cards)
        return TextPair(f"核对{card.name}", VERDICTS[other is not card], begun=other.name)

    def exercise(self, rng: random.Random) -> TextPair:
        """A training question and the concept and verdict of each option, without letters to answer."""
        question = self._question(rng)
        return TextPair(f"{question.text()}\n解析", rationale(question, self._owner))

    def exam(self, rng: random.Random) -> TextPair:
        """A training question as the exam puts it, and the reply that agrees with the teacher's key."""
        question = self._question(rng)
        key = teacher_key(question, rng, self._key_omission)
        shown = question_text(to_record(question, "book"), self._prompt)
        return TextPair(shown, reply_text(rationale(question, self._owner, key), key))

    def _question(self, rng: random.Random) -> WorldQuestion:
        kind = draw_kind(rng, ExamShape())
        return make_question(self._cards, rng.randrange(len(self._cards)), kind, rng, "train")
