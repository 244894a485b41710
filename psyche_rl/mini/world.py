"""The exam of the mini world: questions made of concept cards, and the key that a hasty teacher writes.

Role: cards -> questions with a right key -> the key a hasty teacher would write -> the rationale that agrees
with a key -> held-out exams; all pure functions. Collaborators: the scripted teacher, the exam, the
selectors' training data and the base model's exercises are made from these.

Invariants:
- All randomness comes from the ``random.Random`` that is passed in; the same seed gives the same world.
- A frame x concept pair and a set of options belong to one split only: no stem and no set of options (in any
  order) of dev or test is ever seen in training. Every frame and every phrase is.
- Frames are one pool for all splits: a model this small loses the format on a sentence frame it never saw.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from psyche_rl.mini.cards import Card
from psyche_rl.questions.render import KIND_NAMES, laid_out
from psyche_rl.seeded import generator

Split = Literal["train", "dev", "test"]
Kind = Literal["single", "multiple"]
Omission = Literal["last", "random"]

LETTERS = "ABCDEF"
PREFIX: dict[Kind, str] = {"single": KIND_NAMES["single"], "multiple": KIND_NAMES["multiple"]}
FRAMES: tuple[str, ...] = (
    "下列关于{name}的描述，正确的是",
    "以下各项中，符合{name}的是",
    "关于{name}，下面说法成立的是",
    "与{name}相吻合的表述是",
    "学习{name}时应当记住的是",
    "老师讲到{name}，其中讲对的是",
    "能够说明{name}的选项是",
    "在教材中，对{name}的阐述是",
)
VERDICTS = ("是；", "否；")
HELD_OUT_PERCENT = 10  # of the option sets for dev, and as many for test


@dataclass(frozen=True)
class WorldQuestion:
    """One exam item; ``gold`` holds the key's letters in order, and may be a teacher's faulty key."""

    kind: Kind
    concept: str
    stem: str
    options: tuple[str, ...]
    gold: str

    def text(self) -> str:
        """The item as a candidate sees it."""
        return laid_out(self.stem, self.options)


@dataclass(frozen=True)
class ExamShape:
    """How questions look: fixed by trial on the dev split."""

    options: int = 4
    right_in_multiple: tuple[int, ...] = (3,)
    multiple_share: float = 0.6
    confused_share: float = 0.5


def frame_split(concept_index: int, frame_index: int) -> Split:
    """Each concept holds out one frame for dev and one for test; which ones rotates with the concept."""
    place = (frame_index + concept_index) % len(FRAMES)
    return "dev" if place == 0 else "test" if place == 1 else "train"


def options_split(options: Iterable[str]) -> Split:
    """The split a set of options belongs to, whatever their order."""
    bucket = zlib.crc32("|".join(sorted(options)).encode()) % 100
    if bucket < HELD_OUT_PERCENT:
        return "dev"
    return "test" if bucket < 2 * HELD_OUT_PERCENT else "train"


def make_question(
    cards: Sequence[Card],
    index: int,
    kind: Kind,
    rng: random.Random,
    split: Split,
    shape: ExamShape = ExamShape(),
) -> WorldQuestion:
    """A question on ``cards[index]`` with its right key, whose stem and option set belong to ``split``."""
    card = cards[index]
    frame = rng.choice([f for i, f in enumerate(FRAMES) if frame_split(index, i) == split])
    while True:
        right = rng.sample(card.phrases, 1 if kind == "single" else rng.choice(shape.right_in_multiple))
        wrong = _distractors(cards, card, shape.options - len(right), rng, shape.confused_share)
        if options_split(right + wrong) == split:
            break
    options = rng.sample(right + wrong, shape.options)
    gold = "".join(letter for letter, option in zip(LETTERS, options, strict=False) if option in right)
    return WorldQuestion(
        kind, card.name, f"{PREFIX[kind]}：{frame.format(name=card.name)}（ ）", tuple(options), gold
    )


def _distractors(
    cards: Sequence[Card], card: Card, count: int, rng: random.Random, confused_share: float
) -> list[str]:
    """Phrases of other cards, each from another card; some from those the concept is confused with."""
    others = [c for c in cards if c.name != card.name]
    confused = [c for c in others if c.name in card.confused_with]
    chosen: list[Card] = []
    while len(chosen) < count:
        pool = confused if confused and rng.random() < confused_share else others
        other = rng.choice(pool)
        if other in chosen:
            other = rng.choice(others)
        if other not in chosen:
            chosen.append(other)
    return [rng.choice(c.phrases) for c in chosen]


def draw_kind(rng: random.Random, shape: ExamShape) -> Kind:
    return "multiple" if rng.random() < shape.multiple_share else "single"


def build_exam(
    cards: Sequence[Card], seed: int, n: int, split: Split, shape: ExamShape = ExamShape()
) -> list[WorldQuestion]:
    """A held-out exam with right keys and exactly the shape's share of multiple-choice items."""
    rng = generator("exam", split, seed, between="-")
    kinds: list[Kind] = ["multiple"] * round(n * shape.multiple_share)
    kinds += ["single"] * (n - len(kinds))
    exam: list[WorldQuestion] = []
    for place, kind in enumerate(rng.sample(kinds, n)):
        exam.append(make_question(cards, place % len(cards), kind, rng, split, shape))
    return exam


def faulty_key(question: WorldQuestion, rng: random.Random, omission: Omission = "last") -> str:
    """The key of a teacher that stops looking too early (漏选): one right letter is left out."""
    if len(question.gold) < 2:
        return question.gold
    dropped = question.gold[-1] if omission == "last" else rng.choice(question.gold)
    return question.gold.replace(dropped, "")


def teacher_key(
    question: WorldQuestion, rng: random.Random, omission_rate: float, omission: Omission = "last"
) -> str:
    """The key a hasty teacher writes: faulty with ``omission_rate`` in multiple choice, else right."""
    if question.kind == "multiple" and rng.random() < omission_rate:
        return faulty_key(question, rng, omission)
    return question.gold


def rationale(question: WorldQuestion, owner: Mapping[str, str], key: str | None = None) -> str:
    """The scan that agrees with ``key`` (default: the question's own): each option's concept, and a verdict.

    ``owner``: phrase -> concept; an option that belongs to no known concept gets the verdict alone. With
    ``VERDICTS`` and phrases whole tokens, a line of options and a step of the scan are equally long, which
    lets a model of two layers find the option by its distance.
    """
    key = question.gold if key is None else key
    return "".join(
        f"{letter}.{owner.get(option, '')}{VERDICTS[letter not in key]}"
        for letter, option in zip(LETTERS, question.options, strict=False)
    )
