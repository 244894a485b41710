"""A run's ledger that knows every path, for tests to falsify one entry at a time.

Five steps in three incarnations: trained and masked samples, every other ending, a lost worker, a group held
over a step, a kill with work in flight, and a step that is done again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psyche_rl.ledger.book import LedgerBook
from psyche_rl.ledger.entry import LedgerEntry


class Story:
    """Writes entries as the parties would."""

    def __init__(self) -> None:
        self.entries: list[LedgerEntry] = []
        self.incarnation = 0

    def say(self, event: str, group: str = "", lengths: dict[str, int] | None = None, **fields: Any) -> None:
        if event == "opened":
            self.incarnation += 1
        if lengths is not None:
            named = {f"{group}/{index}": n for index, n in lengths.items()}
            fields |= {"samples": tuple(named), "tokens": tuple(named.values())}
        entry = {"event": event, "group": group, "incarnation": self.incarnation} | fields
        self.entries.append(LedgerEntry.model_validate(entry))

    def issue(self, group: str, version: int, n: int = 2) -> None:
        self.say("issued", group, samples=tuple(f"{group}/{i}" for i in range(n)), version=version)

    def draw(self, group: str, **lengths: int) -> dict[str, int]:
        """Generated and scored; keys are "s0", "s1"."""
        drawn = {name[1:]: n for name, n in lengths.items()}
        self.say("generated", group, drawn, worker="w1")
        self.say("scored", group, drawn)
        return drawn

    def train(self, group: str, step: int, version: int) -> None:
        self.issue(group, version)
        self.say("trained", group, self.draw(group, s0=5, s1=7), step=step)


def story() -> list[LedgerEntry]:
    """Entries without their numbers; see :func:`numbered`."""
    told = Story()
    told.say("opened", step=0)
    told.train("0/0", 1, 0)
    told.issue("0/1", 0)  # a scorer fails on one of two, the other is trained on
    told.say("generated", "0/1", {"0": 3, "1": 4}, worker="w2")
    told.say("scored", "0/1", {"0": 3})
    told.say("failed", "0/1", {"1": 4})
    told.say("trained", "0/1", {"0": 3}, step=1)
    told.issue("0/2", 0)  # all scorers fail
    told.say("generated", "0/2", {"0": 2, "1": 2}, worker="w2")
    told.say("failed", "0/2", {"0": 2, "1": 2})
    told.say("errored", "0/2", {}, step=1)
    told.issue("0/3", 0)  # too few scores for a baseline
    told.say("generated", "0/3", {"0": 6, "1": 1}, worker="w2")
    told.say("failed", "0/3", {"0": 6})
    told.say("scored", "0/3", {"1": 1})
    told.say("errored", "0/3", {"1": 1}, step=1)
    told.issue("0/4", 0)  # held over the end of the step, with one of its samples there
    told.say("generated", "0/4", {"0": 9}, worker="w1")
    told.say("held", groups=("0/4",), samples_held=2, tokens_held=9, step=1)
    told.say("lost", "0/4", {"1": 3}, worker="w1")
    told.say("generated", "0/4", {"1": 8}, worker="w3", attempt=2)
    told.say("scored", "0/4", {"0": 9, "1": 8})
    told.say("filtered", "0/4", {"0": 9, "1": 8}, step=2)
    told.issue("1/0", 1)
    told.say("generated", "1/0", {"0": 4, "1": 4}, worker="w1")
    told.say("stale", "1/0", {"0": 4, "1": 4}, step=2)
    told.issue("1/1", 1)
    told.say("surplus", "1/1", {"0": 0, "1": 0}, step=2)
    told.say("held", step=2)
    told.train("2/0", 3, 2)
    told.say("held", step=3)
    told.issue("3/0", 3)  # in flight when the process is killed, and step 3 has no checkpoint
    told.say("generated", "3/0", {"0": 11}, worker="w1")
    told.say("opened", step=2)
    told.say("abandoned", of=1, groups=("3/0",))
    told.say("rolled_back", of=1, groups=("2/0",))
    told.train("2/0", 3, 2)
    told.say("held", step=3)
    told.say("opened", step=3)
    told.train("3/0", 4, 3)
    told.say("held", step=4)
    told.say("closed", step=4)
    return told.entries


def numbered(entries: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """The entries numbered within their incarnations, as a ledger that never missed a call would."""
    counts: dict[int, int] = {}
    made = []
    for entry in entries:
        made.append(entry.model_copy(update={"seq": counts.get(entry.incarnation, 0)}))
        counts[entry.incarnation] = made[-1].seq + 1
    return made


def book_of(entries: Sequence[LedgerEntry]) -> LedgerBook:
    book = LedgerBook()
    for entry in entries:
        book.add(entry)
    return book
