"""Which options a piece of a reply names: by letter at its head, by their texts, or by most of one's words.

Collaborators: ``closing.py`` and ``tables.py`` ask it. Invariants:
- A letter or text counts before words that only share some of a text's words.
- Words that fit two options name none.
"""

from __future__ import annotations

import re

from rewards.extraction.options import OptionTable
from rewards.extraction.units import WORD, pairs_of, same_word

_HEAD = re.compile(
    r"[ \n•·#>-]*(?:\d{1,2}[.、] ?)?(?P<word>[Oo]ption |[Ss]tatement "
    r"|选项 ?)?(?P<run>[A-H](?:(?:[、,和与及&] ?| and |, and )[A-H]){0,4})"
    r"(?: ?选?项)?(?!['])(?=[ .:、,—–|-]|[\u4e00-\u9fff]|$)"
)
_LEAD = re.compile(
    r"(?:[ \n•·#>|]|-(?= ))*(?:\d{1,2}[.、] ?)?(?:[A-H](?: ?[.、:])? )?(?i:(?:and|while|but|the|an?) )?"
)
_ARTICLE = re.compile(" [a-z]")
_AFTER = re.compile(r" ?(?:$|[^\w\s-])| ")
_LETTER = re.compile("[A-H]")
_EMPTY = re.compile("的|了|是|在|和|与")
SHARE = 0.4
"""Of an option's words, at least, that a piece must have to name it."""


class Names:
    """The options of one question, to be found in pieces of a reply."""

    def __init__(self, table: OptionTable) -> None:
        self.letters = table.letters
        self._texts = {letter: own.lower() for letter, own in table.texts.items()}
        self._units = {letter: _units(own) for letter, own in self._texts.items()}

    def of(self, piece: str) -> str:
        """The letters of the options that a piece names."""
        head = _head(piece)
        if head and (run := "".join(x for x in _LETTER.findall(head["run"]) if x in self.letters)):
            return run
        if letter := self.head(piece):
            others = self._whole(piece.lower())
            return others if letter in others else letter
        said = piece.lower()
        return self._whole(said) or self._most_like(said)

    def head(self, piece: str) -> str:
        """The letter of the option that a piece begins with, the longest such text; "" for none."""
        said = piece.lower()
        head = _head(piece)
        if head and len(head["run"]) == 1 and head["run"] in self.letters:
            return head["run"]
        lead = _LEAD.match(said)
        at = lead.end() if lead else 0
        begun = [
            (len(own), letter)
            for letter, own in self._texts.items()
            if said.startswith(own, at) and _AFTER.match(said, at + len(own))
        ]
        return max(begun)[1] if begun else ""

    def _whole(self, said: str) -> str:
        """The options whose whole texts stand in a piece, none of them within another."""
        found = [letter for letter, own in self._texts.items() if len(own) > 2 and own in said]
        return "".join(
            x for x in found if not any(x != y and self._texts[x] in self._texts[y] for y in found)
        )

    def _most_like(self, said: str) -> str:
        """The only option most of whose words stand in a piece."""
        own = _units(said)
        shares = sorted(
            (sum(any(same_word(one, other) for other in own) for one in units) / len(units), letter)
            for letter, units in self._units.items()
            if units
        )
        if not shares or shares[-1][0] < SHARE:
            return ""
        return shares[-1][1] if len(shares) == 1 or shares[-1][0] > 1.5 * shares[-2][0] else ""


def _head(piece: str) -> re.Match[str] | None:
    """The letters that a piece begins with, unless they are the article."""
    head = _HEAD.match(piece)
    article = head and head["run"] == "A" and not head["word"] and _ARTICLE.match(piece, head.end("run"))
    return None if article else head


def _units(said: str) -> tuple[str, ...]:
    return (*dict.fromkeys(WORD.findall(said)), *dict.fromkeys(pairs_of(said, _EMPTY)))
