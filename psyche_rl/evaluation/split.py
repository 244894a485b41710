"""Dividing the exam into dev and test, SFT examples into trained and held out: by content, never by place.

Invariants: a question's side depends on its content, the share and the seed alone, so it keeps its side
when the file is reordered or grows, and copies of a question (of another kind, with another key, order of
options or punctuation) never face each other across the split.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from psyche_rl.records import Question, SftExample
from psyche_rl.seeded import share
from rewards.text.canonical import canonical_text

_MARKS = re.compile(r"[\W_]+")
_LETTER = re.compile(r"^\s*[A-Z]\s*[.、．:：)）]\s*")
"""Before an option; copies may have their options in another order."""


def split_dev_test(
    questions: Sequence[Question], dev_share: float, seed: int
) -> tuple[list[Question], list[Question]]:
    """(dev, test), both in the order given; about ``dev_share`` of the questions are dev."""
    dev = [q for q in questions if share(f"split/{seed}", *_said_by(q), between="\x1f") < dev_share]
    chosen = {id(q) for q in dev}
    return dev, [q for q in questions if id(q) not in chosen]


def sample_questions(questions: Sequence[Question], most: int | None, seed: int) -> list[Question]:
    """At most ``most`` questions, drawn by content, in the order given; all if ``most`` is None."""
    if most is None or most >= len(questions):
        return list(questions)
    ranked = sorted(range(len(questions)), key=lambda i: (_draw(questions[i], f"sample/{seed}"), i))
    return [questions[i] for i in sorted(ranked[:most])]


def held_out_examples(examples: Iterable[SftExample], dev_share: float, seed: int) -> Iterator[bool]:
    """For each SFT example whether it is held out, which is about ``dev_share`` of them.

    Examples on the same question or post stay together: another rationale or reply, more turns, other
    punctuation, another order of options.
    """
    for example in examples:
        first = next((m.content for m in example.messages if m.role == "user"), "")
        said = sorted(_said(_LETTER.sub("", line)) for line in first.splitlines() if line.strip())
        yield share(f"sft held out/{seed}", *said, between="\x1f") < dev_share


def _said_by(question: Question) -> tuple[str, ...]:
    """What copies of a question have in common."""
    texts = (question.case or "", question.stem)
    return (*map(_said, texts), *sorted(map(_said, question.options)))


def _said(text: str) -> str:
    """A text without its punctuation and spelling, in which copies differ; of marks alone, the text."""
    return _MARKS.sub("", canonical_text(text)).casefold() or text


def _draw(question: Question, salt: str) -> float:
    """A number in [0, 1) that looks random and belongs to the content."""
    content = (question.kind, question.case or "", question.stem, *question.options)
    return share(salt, *content, between="\x1f")
