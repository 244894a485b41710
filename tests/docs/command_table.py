"""How each shown command is run: ``how_commands_are_run.yaml``, read.

Invariants:

- an entry stands under its page and is keyed by the command, or by its beginning: the longest one counts;
- an entry says one thing: ``walk``, ``test``, ``suite``, ``same`` or ``not_here``; the file explains them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from shown_commands import Shown

FILE = Path(__file__).with_name("how_commands_are_run.yaml")


@dataclass(frozen=True)
class Walk:
    """What the walk is to know of a command. ``swap``: words of the page -> what stands in for them here."""

    swap: Mapping[str, str] = field(default_factory=dict)
    exit: int = 0
    says: tuple[str, ...] = ()
    serves: str = ""
    """A server, which has begun once it has said this."""
    as_shown: bool = False
    """It prints what the page prints below it, word for word."""


@dataclass(frozen=True)
class Entry:
    """One line of the table."""

    page: str
    begins: str
    walk: Walk | None = None
    test: str = ""
    suite: bool = False
    same: str = ""
    not_here: str = ""

    def __str__(self) -> str:
        return f"{self.page}: {self.begins}"


@dataclass(frozen=True)
class Table:
    """All entries, and what stands in for words of all commands of a page."""

    entries: tuple[Entry, ...]
    swaps: Mapping[str, Mapping[str, str]]

    def of(self, shown: Shown) -> Entry | None:
        """The entry of a command; None if it has none."""
        found = [e for e in self.entries if e.page == shown.page and shown.text.startswith(e.begins)]
        return max(found, key=lambda entry: len(entry.begins), default=None)


def command_table(text: str | None = None) -> Table:
    """The table of the file, or of a text in its form."""
    tree = yaml.safe_load(text or FILE.read_text("utf-8"))
    entries, swaps = [], {}
    for page, commands in tree.items():
        swaps[page] = commands.pop("swap", {})
        entries += [entry_of(page, begins, said) for begins, said in commands.items()]
    return Table(tuple(entries), swaps)


def entry_of(page: str, begins: str, said: str | dict[str, Any]) -> Entry:
    """An entry of what stands behind its command: a word alone, or one word with what it needs."""
    if said == "walk":
        return Entry(page, begins, walk=Walk())
    if said == "suite":
        return Entry(page, begins, suite=True)
    assert isinstance(said, dict), f"{page}: {begins}: {said}"
    if "walk" in said:
        settings = {**said["walk"]}
        settings["says"] = tuple(settings.get("says", ()))
        return Entry(page, begins, walk=Walk(**settings))
    return Entry(page, begins, **said)
