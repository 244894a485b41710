"""What the scripted teacher knows: the concept cards, the posts, and which options fit a concept.

Collaborators: ``world`` makes questions and keys; ``script`` puts them into replies. On text that is not
of the mini world it answers in form only: a sentence of the material is right, its denial is wrong.
"""

from __future__ import annotations

import random
import re
from functools import cached_property, lru_cache
from typing import Literal

import yaml

from psyche_rl.mini import world
from psyche_rl.mini.cards import TEXTS, mini_cards, owners
from psyche_rl.seeded import generator

DENIAL = "并非"
OPTIONS = 4
_CLAUSE = re.compile(r"[^，。；！？、：\s,.;!?:]{6,40}")
_WORDS = re.compile(r"[^\w]+")


class Knowledge:
    """The mini world as its teacher remembers it; stateless but for memory of what it has looked up."""

    def __init__(self) -> None:
        self.cards = mini_cards()
        self.owner = owners(self.cards)
        self._names = sorted((card.name for card in self.cards), key=len, reverse=True)
        self.concept_of_passage = lru_cache(maxsize=4096)(self._concept_of_passage)

    @cached_property
    def empathetic(self) -> dict[str, str]:
        """Post (word characters only) -> the empathetic reply to it."""
        posts = yaml.safe_load((TEXTS / "posts.yaml").read_text("utf-8"))
        return {words_only(row["post"]): row["empathetic"] for row in posts}

    def right_letters(self, kind: Literal["single", "multiple"], stem: str, options: tuple[str, ...]) -> str:
        """The key the teacher holds for true: by concept, by denials, else a guess fixed by the text."""
        known = {self.owner.get(option) for option in options}
        concept = next((name for name in self._names if name in stem and name in known), None)
        if concept is not None:
            right = [self.owner.get(option) == concept for option in options]
        elif any(option.startswith(DENIAL) for option in options):
            right = [not option.startswith(DENIAL) for option in options]
        else:
            right = _guess(kind, stem, options)
        letters = "".join(letter for letter, yes in zip(world.LETTERS, right, strict=False) if yes)
        return letters[:1] if kind == "single" else letters

    def question_on_text(
        self, passage: str, kind: Literal["single", "multiple"], rng: random.Random
    ) -> world.WorldQuestion:
        """A question in form on any text: clauses of it, some of them denied."""
        clauses = sorted(set(_CLAUSE.findall(passage))) or [passage[:40]]
        chosen = rng.sample(clauses, min(OPTIONS, len(clauses)))
        right = 1 if kind == "single" else min(rng.choice((2, 3)), max(1, len(chosen) - 1))
        # A short text has too few other clauses: then right ones are denied as well.
        denied = (chosen[right:] + chosen[:right])[: OPTIONS - right]
        options = chosen[:right] + [DENIAL + clause for clause in denied]
        options = rng.sample(options, len(options))
        gold = "".join(
            letter
            for letter, option in zip(world.LETTERS, options, strict=False)
            if not option.startswith(DENIAL)
        )
        return world.WorldQuestion(kind, "", "下列说法中与材料相符的是（ ）", tuple(options), gold)

    def clauses_of_sentence(self, passage: str, rng: random.Random) -> list[str]:
        """Clauses of one sentence of any text, in order; the text's beginning where it has none."""
        clauses = _CLAUSE.findall(passage)
        if not clauses:
            return [passage[:40]]
        sentence = span_of(passage, rng.choice(clauses))
        return list(dict.fromkeys(_CLAUSE.findall(sentence)))[:4]

    def told_about(self, stem: str) -> str:
        """An answer in prose to a question without options."""
        name = next((name for name in self._names if name in stem), None)
        if name is None:
            return "可以结合材料从概念、依据和应用三个方面作答。\n答案：见材料。"
        points = "；".join(next(card.phrases for card in self.cards if card.name == name))
        return f"先回忆{name}的含义，再列出要点。\n答案：{points}。"

    def _concept_of_passage(self, passage: str) -> int | None:
        """The card most of whose phrases stand in the passage."""
        hits = [sum(phrase in passage for phrase in card.phrases) for card in self.cards]
        best = max(range(len(hits)), key=hits.__getitem__)
        return best if hits[best] * 2 > len(self.cards[best].phrases) else None


def span_of(passage: str, clause: str) -> str:
    """The sentence of the passage that holds ``clause``, verbatim."""
    at = passage.find(clause)
    if at < 0:
        return passage[:80]
    begin = max((passage.rfind(mark, 0, at) for mark in "。！？\n"), default=-1) + 1
    ends = [end for mark in "。！？\n" if (end := passage.find(mark, at + len(clause))) >= 0]
    return passage[begin : min(ends) + 1 if ends else len(passage)].strip()


def words_only(text: str) -> str:
    """The text without punctuation and space, to find it again after cleaning."""
    return _WORDS.sub("", text)


def _guess(kind: str, stem: str, options: tuple[str, ...]) -> list[bool]:
    rng = generator(stem, *options, between="\n")
    count = 1 if kind == "single" or len(options) < 2 else rng.randint(2, len(options))
    chosen = set(rng.sample(range(len(options)), min(count, len(options))))
    return [i in chosen for i in range(len(options))]
