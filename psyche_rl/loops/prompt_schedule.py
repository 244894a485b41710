"""Which questions a GRPO step asks: a pure function of seed and step.

Invariant: ``at(step)`` needs no state, so a resumed run asks what the uninterrupted one would have.
Every question is asked once before any is asked again.
"""

from __future__ import annotations

from collections.abc import Sequence

from psyche_rl.loops.curriculum import Curriculum
from psyche_rl.questions.option_order import shuffle_options
from psyche_rl.records import Question
from psyche_rl.seeded import generator


class PromptSchedule:
    """Questions in a new order each epoch, at random or by a curriculum, cut into steps of equal size across
    epoch borders."""

    def __init__(
        self,
        questions: Sequence[Question],
        per_step: int,
        seed: int,
        shuffle: bool,
        curriculum: Curriculum | None = None,
    ) -> None:
        if not questions:
            raise ValueError("no questions to schedule")
        self._curriculum = curriculum
        self._questions, self._per_step, self._seed, self._shuffle = list(questions), per_step, seed, shuffle
        self._orders: dict[int, list[int]] = {}

    def steps(self, epochs: int, max_steps: int | None) -> int:
        """Steps in ``epochs`` passes (at least one), or ``max_steps`` where that is set."""
        if max_steps is not None:
            return max_steps
        return max(1, len(self._questions) * epochs // self._per_step)

    def at(self, step: int) -> list[Question]:
        """The questions of step ``step`` (0-based)."""
        first = step * self._per_step
        return [self.question(i) for i in range(first, first + self._per_step)]

    def question(self, place: int) -> Question:
        """The question at ``place`` (0-based) of all that are asked."""
        epoch, index = divmod(place, len(self._questions))
        if epoch not in self._orders:
            self._orders[epoch] = self._order(epoch)
        question = self._questions[self._orders[epoch][index]]
        if not self._shuffle:
            return question
        return shuffle_options(question, generator("options", self._seed, epoch, question.id))

    def _order(self, epoch: int) -> list[int]:
        if self._curriculum is not None:
            return self._curriculum.order(self._questions, self._seed, epoch)
        order = list(range(len(self._questions)))
        generator("order", self._seed, epoch).shuffle(order)
        return order
