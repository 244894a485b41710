"""Adds a ledger up, entry by entry, and finds what does not fit.

Role: the one reading of the entries, for a run that goes on and for the files of one that has ended.
Collaborators: ``open_group`` knows a group in flight; ``ledger`` and ``psyche-rl ledger`` feed it.
Invariants:
- What is in flight is known by name. At the end of each step the buffer names what it holds, counted there
  and then, and the two must agree: a group that no party has ended and that the buffer does not hold is lost.
- What an incarnation leaves in flight is named as abandoned by the next one, and what ended in steps that no
  checkpoint holds as rolled back, so the books close over any number of kills.
- A finding names the group or sample and the party; an entry that does not fit is added all the same.
- An entry costs the time of its own samples, however long the run is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from psyche_rl.ledger.balance import LEVELS, LINES, Amount, Balance
from psyche_rl.ledger.entry import ENDINGS, LedgerEntry
from psyche_rl.ledger.open_group import OpenGroup

MOST_FINDINGS = 100
"""A fault that is in every step would fill the memory; the first ones tell it."""
LET_GO = ("stale", "errored", "surplus")
"""Groups that end while their samples may still be generated; what then comes is lost."""
Key = tuple[int, str]
"""Incarnation and group."""


@dataclass(frozen=True)
class _Ended:
    line: str
    step: int
    amount: Amount


class LedgerBook:
    """Running totals; :meth:`add` entries in the order in which they were written."""

    def __init__(self) -> None:
        self.incarnation = 0
        """The newest that was opened; 0 before any."""
        self._seq = self._step = 0
        self._steps_undone: set[tuple[int, int]] = set()
        self._closed = False
        self._lines: defaultdict[str, Amount] = defaultdict(Amount)
        self._workers: defaultdict[str, Amount] = defaultdict(Amount)
        self._lost = Amount()
        self._open: dict[Key, OpenGroup] = {}
        self._ended: dict[Key, _Ended] = {}
        self._due: dict[Key, str] = {}
        self._missed: set[str] = set()
        self._findings: list[str] = []
        self._more = 0

    def add(self, entry: LedgerEntry) -> None:
        """Take one entry."""
        if entry.event == "opened":
            self._add_opened(entry)
        self._check_place(entry)
        if len(set(entry.samples)) < len(entry.samples):
            twice = next(s for s in entry.samples if entry.samples.count(s) > 1)
            self._find(f"sample {twice}: {entry.event} twice at once by the {entry.party}")
        match entry.event:
            case "issued":
                self._add_issued(entry)
            case "generated" | "lost" | "scored" | "failed":
                self._add_to_open(entry)
            case "held":
                self._add_held(entry)
            case "abandoned" | "rolled_back":
                self._add_undone(entry)
            case "closed":
                self._add_closed(entry)
            case event if event in ENDINGS:
                self._add_ending(entry)

    def in_flight(self) -> dict[int, list[str]]:
        """Incarnation -> groups given out that have not ended."""
        return _by_incarnation(self._open)

    def ended_after(self, step: int) -> dict[int, list[str]]:
        """Incarnation -> groups that ended in later steps than ``step`` and are not rolled back yet."""
        return _by_incarnation(self._undone(step))

    def held(self, groups: Iterable[str]) -> Amount:
        """What the books know of these groups of the newest incarnation."""
        found = [self._open.get((self.incarnation, group)) for group in groups]
        return sum((group.amount for group in found if group is not None), Amount())

    def balance(self, done: bool = False) -> Balance:
        """The sums now, and all that was found so far.

        Args:
            done: the run is known to have ended, so the books must have been closed.
        """
        flying = sum((group.amount for group in self._open.values()), Amount())
        balance = Balance(
            lines={name: self._lines[name] for name in LINES} | {"in flight": flying},
            lost=self._lost,
            steps_rolled_back=len(self._steps_undone),
            incarnations=self.incarnation,
            workers=dict(self._workers),
        )
        found = [*self._findings, *self._overdue()]
        if self._more:
            found.append(f"and {self._more} more")
        if done and not self._closed:
            found.append("the run has ended, but the loop never closed its books")
        for level in LEVELS:
            if gap := getattr(balance.gap, level):
                found.append(f"{level}: {gap:+d} between issued and the sum of the other lines")
        return replace(balance, findings=tuple(found))

    # -- one event each ------------------------------------------------------------------------
    def _add_opened(self, entry: LedgerEntry) -> None:
        if entry.incarnation != self.incarnation + 1:
            self._find(f"{entry.told()}: incarnation {self.incarnation + 1} was to be opened by the loop")
        if self.incarnation and entry.step > self._step:
            self._find(
                f"step {entry.step}: the loop goes on from here, but the books end with step {self._step}"
            )
        self.incarnation, self._seq, self._closed, self._step = entry.incarnation, 0, False, entry.step
        self._missed.clear()
        # Anew each time: an incarnation may have been killed before it named them.
        self._due = dict.fromkeys(self._open, "abandoned")
        self._due |= dict.fromkeys(self._undone(entry.step), "rolled_back")

    def _check_place(self, entry: LedgerEntry) -> None:
        if entry.incarnation != self.incarnation:
            self._find(f"{entry.told()}: the loop has opened incarnation {self.incarnation}")
        elif entry.seq != self._seq:
            self._find(f"{entry.told()}: entry {self._seq} was to come next, so lines are gone or doubled")
        if self._closed:
            self._find(f"{entry.told()}: the loop has closed the books already")
        self._seq = entry.seq + 1

    def _add_issued(self, entry: LedgerEntry) -> None:
        key = (entry.incarnation, entry.group)
        if key in self._open or key in self._ended:
            self._find(f"group {entry.group}: issued twice by the dispatcher")
        if not entry.samples:
            self._find(f"group {entry.group}: issued by the dispatcher without samples")
        self._lines["issued"] += Amount(1, len(entry.samples))
        if key not in self._ended:
            self._open[key] = OpenGroup(entry.group, frozenset(entry.samples), entry.version)

    def _add_to_open(self, entry: LedgerEntry) -> None:
        amount = Amount(0, len(entry.samples), sum(entry.tokens))
        if entry.event == "generated":
            self._lines["issued"] += Amount(tokens=amount.tokens)
            self._workers[entry.worker] += amount
        elif entry.event == "failed":
            self._lines["errored"] += amount
        elif entry.event == "lost":
            self._lost += amount
        group = self._open.get((entry.incarnation, entry.group))
        ended = self._ended.get((entry.incarnation, entry.group))
        if entry.event == "lost" and ended is not None and ended.line in LET_GO:
            return
        if group is None:
            self._find(f"group {entry.group}: {entry.event} by the {entry.party}, but {self._state(entry)}")
        elif entry.event == "generated":
            self._find(*group.add_generated(entry))
        elif entry.event == "lost":
            self._find(*group.add_lost(entry))
        else:
            self._find(*group.add_judged(entry))

    def _add_ending(self, entry: LedgerEntry) -> None:
        amount = Amount(1, len(entry.samples), sum(entry.tokens))
        self._lines[entry.event] += amount
        key = (entry.incarnation, entry.group)
        group = self._open.pop(key, None)
        if group is None:
            self._find(f"group {entry.group}: {entry.event} by the {entry.party}, but {self._state(entry)}")
            return
        self._find(*group.end(entry))
        if entry.step != self._step + 1:
            self._find(
                f"group {entry.group}: {entry.event} by the {entry.party} in step {entry.step}, "
                f"while the loop was in step {self._step + 1}"
            )
        self._ended[key] = _Ended(entry.event, entry.step, amount)

    def _add_held(self, entry: LedgerEntry) -> None:
        self._settle()
        if entry.step != self._step + 1:
            self._find(f"step {entry.step}: ended by the loop after step {self._step}")
        self._step = entry.step
        known = {group for incarnation, group in self._open if incarnation == entry.incarnation}
        for group in sorted(known - set(entry.groups) - self._missed):
            self._missed.add(group)
            self._find(
                f"group {group}: issued by the dispatcher, ended by nobody and not held by the buffer "
                f"after step {entry.step}"
            )
        for group in sorted(set(entry.groups) - known):
            self._find(
                f"group {group}: held by the buffer after step {entry.step}, but {self._state(entry, group)}"
            )
        held, known_amount = (
            Amount(len(entry.groups), entry.samples_held, entry.tokens_held),
            self.held(known),
        )
        if held != known_amount and not known ^ set(entry.groups):
            self._find(
                f"step {entry.step}: the buffer holds {held.groups} groups, {held.samples} samples, "
                f"{held.tokens} tokens, of which dispatcher and workers know {known_amount.groups}, "
                f"{known_amount.samples}, {known_amount.tokens}"
            )

    def _add_undone(self, entry: LedgerEntry) -> None:
        line = entry.event.replace("_", " ")
        for name in entry.groups:
            key = (entry.of, name)
            if self._due.pop(key, None) != entry.event:
                self._find(f"group {name}: {line} by the loop, but it is not in flight or its step is kept")
            if (group := self._open.pop(key, None)) is not None:
                self._lines[line] += group.amount
                self._ended[key] = _Ended(line, self._step, group.amount)
            elif (ended := self._ended.get(key)) is not None:
                self._lines[ended.line] -= ended.amount
                self._lines[line] += ended.amount
                self._ended[key] = _Ended(line, ended.step, ended.amount)
                self._steps_undone.add((entry.of, ended.step))

    def _add_closed(self, entry: LedgerEntry) -> None:
        self._settle()
        self._closed = True
        if entry.step != self._step:
            self._find(
                f"step {entry.step}: the loop closed its books after it, the last that ended is {self._step}"
            )
        for name in sorted({name for _, name in self._open} - self._missed):
            self._find(
                f"group {name}: issued by the dispatcher, ended by nobody until the loop closed the books"
            )

    # -- inside --------------------------------------------------------------------------------
    def _find(self, *findings: str) -> None:
        room = max(0, MOST_FINDINGS - len(self._findings))
        self._findings += findings[:room]
        self._more += len(findings[room:])

    def _state(self, entry: LedgerEntry, group: str | None = None) -> str:
        ended = self._ended.get((entry.incarnation, group or entry.group))
        return (
            f"it was {ended.line} in step {ended.step} already" if ended else "the dispatcher never issued it"
        )

    def _undone(self, step: int) -> list[Key]:
        return [key for key, e in self._ended.items() if e.step > step and e.line in ENDINGS]

    def _overdue(self) -> list[str]:
        return [
            f"group {name} of incarnation {incarnation}: to be named as {how.replace('_', ' ')} by the loop"
            for (incarnation, name), how in self._due.items()
        ]

    def _settle(self) -> None:
        self._find(*self._overdue())
        self._due = {}


def _by_incarnation(keys: Iterable[Key]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for incarnation, group in keys:
        found.setdefault(incarnation, []).append(group)
    return found
