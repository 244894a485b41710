"""Concept cards: the text of the mini world, and the phrases that its questions are made of.

Invariant (checked on reading): a phrase belongs to exactly one card and stands verbatim in its text and in
no other, so that whoever makes a question knows the right key.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import yaml

TEXTS = Path(__file__).parent / "text"


@dataclass(frozen=True)
class Card:
    """A concept: a short text, and phrases that stand verbatim in it and in no other card."""

    name: str
    field: str
    text: str
    phrases: tuple[str, ...]
    confused_with: tuple[str, ...] = ()


def mini_cards() -> list[Card]:
    """The cards that ship with the mini world."""
    return load_cards([TEXTS / "cards_general.yaml", TEXTS / "cards_applied.yaml"])


def load_cards(paths: Iterable[str | Path]) -> list[Card]:
    """Read card files and check what questions are based on.

    Raises:
        ValueError: a name or phrase repeats, or a phrase is not in its card's text.
    """
    items = chain.from_iterable(yaml.safe_load(Path(path).read_text(encoding="utf-8")) for path in paths)
    cards = [
        Card(
            i["name"], i["field"], i["text"].strip(), tuple(i["phrases"]), tuple(i.get("confused_with") or ())
        )
        for i in items
    ]
    check_cards(cards)
    return cards


def check_cards(cards: Sequence[Card]) -> None:
    """Names and phrases are unique, and each phrase stands verbatim in its own card and in no other.

    Raises:
        ValueError: names the card and the phrase.
    """
    names = [card.name for card in cards]
    if len(set(names)) != len(names):
        raise ValueError(f"concept names repeat: {sorted({n for n in names if names.count(n) > 1})}")
    owner: dict[str, str] = {}
    for card in cards:
        for phrase in card.phrases:
            if phrase not in card.text:
                raise ValueError(f"{card.name}: {phrase!r} is not in the card's text")
            if phrase in owner:
                raise ValueError(f"{phrase!r} is a phrase of both {owner[phrase]} and {card.name}")
            owner[phrase] = card.name
    for card in cards:
        for phrase, name in owner.items():
            if name != card.name and phrase in card.text:
                raise ValueError(f"{phrase!r} is a phrase of {name} but stands in {card.name}, too")


def owners(cards: Sequence[Card]) -> dict[str, str]:
    """Phrase -> the concept it belongs to."""
    return {phrase: card.name for card in cards for phrase in card.phrases}
