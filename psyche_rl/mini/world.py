"""The mini world: concept cards, the exam questions made of them, and a teacher with one bad habit.

Role: everything the demo needs to know about its own small psychology, as pure functions: cards -> questions with a
right key -> the key a hasty teacher would write -> the rationale that agrees with a key -> held-out exams.
Collaborators: the scripted teacher and the selectors' training data are made from these functions; the tokenizer is
trained on `corpus`. Nothing here imports torch, Ray or the rest of the project.

Invariants:
- All randomness comes from the `random.Random` that is passed in; the same seed gives the same world.
- A phrase belongs to exactly one card, so `make_question` always knows the right key.
- A frame x concept pair and a set of options belong to one split only (`frame_split`, `options_split`): no stem and
  no set of options (in any order) of dev or test is ever seen in training. Every frame and every phrase is.
- Frames are one pool for all splits: a model this small loses the format on a sentence frame it never saw.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations
from pathlib import Path
from typing import Literal

import yaml

Split = Literal["train", "dev", "test"]
Kind = Literal["single", "multiple"]
Omission = Literal["last", "random"]

LETTERS = "ABCDEF"
PREFIX: dict[Kind, str] = {"single": "单选题", "multiple": "多选题"}
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
HELD_OUT_PERCENT = 10  # of the option sets for dev, and as many for test


@dataclass(frozen=True)
class Card:
    """A concept: a short text, and phrases that stand verbatim in it and in no other card."""

    name: str
    field: str
    text: str
    phrases: tuple[str, ...]
    confused_with: tuple[str, ...] = ()


@dataclass(frozen=True)
class Question:
    """One exam item. `gold` holds the letters of the key in alphabetical order; it may be a teacher's faulty key."""

    kind: Kind
    concept: str
    stem: str
    options: tuple[str, ...]
    gold: str

    def text(self) -> str:
        """The item as a candidate sees it."""
        lines = (f"{letter}.{option}" for letter, option in zip(LETTERS, self.options))
        return "\n".join(chain([self.stem], lines))


@dataclass(frozen=True)
class ExamShape:
    """How questions look: the knobs the recipe fixes (see RECIPE.md)."""

    options: int = 4
    right_in_multiple: tuple[int, ...] = (2, 3)
    multiple_share: float = 0.6
    confused_share: float = 0.5


# --- cards -----------------------------------------------------------------------------------------------------------


def load_cards(paths: Iterable[str | Path]) -> list[Card]:
    """Read card files and check the invariants that questions rest on."""
    items = chain.from_iterable(yaml.safe_load(Path(path).read_text(encoding="utf-8")) for path in paths)
    cards = [
        Card(i["name"], i["field"], i["text"].strip(), tuple(i["phrases"]), tuple(i.get("confused_with") or ()))
        for i in items
    ]
    check_cards(cards)
    return cards


def check_cards(cards: Sequence[Card]) -> None:
    """Names and phrases are unique, and each phrase stands verbatim in its own card and in no other."""
    names = [card.name for card in cards]
    if len(set(names)) != len(names):
        raise ValueError(f"concept names repeat: {sorted({n for n in names if names.count(n) > 1})}")
    for card in cards:
        for phrase in card.phrases:
            if phrase not in card.text:
                raise ValueError(f"{card.name}: {phrase!r} is not in the card's text")
            for other in cards:
                if other is not card and phrase in other.phrases:
                    raise ValueError(f"{phrase!r} is a phrase of both {card.name} and {other.name}")


def corpus(cards: Sequence[Card]) -> list[str]:
    """Every text the tokenizer has to cover: cards, phrases and frames."""
    frames = [f"{prefix}：{frame}" for prefix in PREFIX.values() for frame in FRAMES]
    return [card.text for card in cards] + [p for card in cards for p in card.phrases] + frames


def textbook_page(cards: Sequence[Card], rng: random.Random, mix: Sequence[float] = (0.1, 0.3, 0.6, 0.0)) -> str:
    """One page for base-model pretraining: a card's text, an index of points, or true-or-false exercises."""
    write = rng.choices((_card_page, _index_page, _judge_page, _list_page), mix)[0]
    return write(cards, rng)


def _card_page(cards: Sequence[Card], rng: random.Random) -> str:
    return rng.choice(cards).text


def _index_page(cards: Sequence[Card], rng: random.Random, points: int = 6) -> str:
    chosen = [rng.choice(cards) for _ in range(points)]
    return "".join(f"{rng.choice(card.phrases)}，说的是{card.name}。" for card in chosen)


def _judge_page(cards: Sequence[Card], rng: random.Random, points: int = 6) -> str:
    card = rng.choice(cards)
    lines = []
    for _ in range(points):
        right = rng.random() < 0.5
        phrase = rng.choice(card.phrases) if right else _distractors(cards, card, 1, rng, 0.3)[0]
        lines.append(f"{phrase}，{'对' if right else '错'}。")
    return f"判断{card.name}：" + "".join(lines)


def _list_page(cards: Sequence[Card], rng: random.Random) -> str:
    while True:
        card = rng.choice(cards)
        n = rng.choice((1, 2, 2, 3))
        options = rng.sample(card.phrases, n) + _distractors(cards, card, 4 - n, rng, 0.3)
        if options_split(options) == "train":
            break
    rng.shuffle(options)
    body = "\n".join(f"{letter}.{option}" for letter, option in zip(LETTERS, options))
    return f"判断{card.name}：\n{body}\n" + "".join(
        f"{letter}{'对' if option in card.phrases else '错'}。" for letter, option in zip(LETTERS, options))


# --- the split rule --------------------------------------------------------------------------------------------------


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


# --- questions -------------------------------------------------------------------------------------------------------


def make_question(
    cards: Sequence[Card], index: int, kind: Kind, rng: random.Random, split: Split, shape: ExamShape = ExamShape()
) -> Question:
    """A question on `cards[index]` with its right key, whose stem and option set belong to `split`."""
    card = cards[index]
    frame = rng.choice([f for i, f in enumerate(FRAMES) if frame_split(index, i) == split])
    while True:
        right = rng.sample(card.phrases, 1 if kind == "single" else rng.choice(shape.right_in_multiple))
        wrong = _distractors(cards, card, shape.options - len(right), rng, shape.confused_share)
        if options_split(right + wrong) == split:
            break
    options = rng.sample(right + wrong, shape.options)
    gold = "".join(letter for letter, option in zip(LETTERS, options) if option in right)
    return Question(kind, card.name, f"{PREFIX[kind]}：{frame.format(name=card.name)}（ ）", tuple(options), gold)


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


def shuffled(question: Question, rng: random.Random) -> Question:
    """The same question with its options in a new order; the key follows. Free for GRPO, which needs no rationale."""
    order = rng.sample(range(len(question.options)), len(question.options))
    right = {LETTERS.index(letter) for letter in question.gold}
    gold = "".join(LETTERS[new] for new, old in enumerate(order) if old in right)
    return replace(question, options=tuple(question.options[old] for old in order), gold=gold)


def draw_kind(rng: random.Random, shape: ExamShape) -> Kind:
    return "multiple" if rng.random() < shape.multiple_share else "single"


def make_questions(
    cards: Sequence[Card], n: int, rng: random.Random, split: Split, shape: ExamShape = ExamShape()
) -> list[Question]:
    """`n` different questions with right keys, concepts in turn, so each concept gets its share."""
    seen: set[tuple[str, tuple[str, ...]]] = set()
    out: list[Question] = []
    order: list[int] = []
    while len(out) < n:
        order = order or rng.sample(range(len(cards)), len(cards))
        question = make_question(cards, order.pop(), draw_kind(rng, shape), rng, split, shape)
        if (question.stem, question.options) not in seen:
            seen.add((question.stem, question.options))
            out.append(question)
    return out


def build_exam(
    cards: Sequence[Card], seed: int, n: int, split: Split, shape: ExamShape = ExamShape()
) -> list[Question]:
    """A held-out exam with right keys and exactly the shape's share of multiple-choice items."""
    rng = random.Random(f"exam-{split}-{seed}")
    kinds: list[Kind] = ["multiple"] * round(n * shape.multiple_share)
    kinds += ["single"] * (n - len(kinds))
    exam: list[Question] = []
    for place, kind in enumerate(rng.sample(kinds, n)):
        exam.append(make_question(cards, place % len(cards), kind, rng, split, shape))
    return exam


# --- the teacher -----------------------------------------------------------------------------------------------------


def faulty_key(question: Question, rng: random.Random, omission: Omission = "last") -> str:
    """The key of a teacher that stops looking once it has found enough (漏选): one right letter is left out."""
    if len(question.gold) < 2:
        return question.gold
    dropped = question.gold[-1] if omission == "last" else rng.choice(question.gold)
    return question.gold.replace(dropped, "")


def teacher_key(question: Question, rng: random.Random, omission_rate: float, omission: Omission = "last") -> str:
    """The key the scripted teacher writes: faulty with `omission_rate` in multiple choice, right in single choice."""
    if question.kind == "multiple" and rng.random() < omission_rate:
        return faulty_key(question, rng, omission)
    return question.gold


def rationale(question: Question, key: str | None = None) -> str:
    """The scan that agrees with `key` (default: the question's own): a verdict on each option, in order."""
    key = question.gold if key is None else key
    return " ".join(f"{letter}{'是' if letter in key else '否'}" for letter in LETTERS[: len(question.options)])


def reply(question: Question, key: str | None = None) -> str:
    """What the policy should say: rationale between think tags, then the answer."""
    key = question.gold if key is None else key
    return f"<think>{rationale(question, key)}</think>答案：{key}"


def possible_multiples(card: Card, right: int) -> int:
    """How many right-hand combinations a card allows (to see that the split rule leaves enough)."""
    return sum(1 for _ in combinations(card.phrases, right))
