"""What a training loop tells of its groups and samples, in verbs.

Role: makes entries, keeps them, and holds the books open for the run at hand.
Collaborators: the loops call it with what each component gave them; ``book`` adds up, ``ledger_files`` keeps.
Invariants:
- A figure is what the party of the event counted: the caller passes on, and derives nothing from others.
- On a disk an entry is there once the call returns, so a kill leaves what was in flight by name. Behind a URL
  that holds from :meth:`flush` on, which the end of each step calls.
- The end of a step is kept before a checkpoint of that step may count.
- Threads may call side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import RLock
from typing import Any

from psyche_rl.errors import LedgerError
from psyche_rl.ledger.balance import Amount, Balance
from psyche_rl.ledger.book import LedgerBook
from psyche_rl.ledger.entry import Event, LedgerEntry
from psyche_rl.ledger.ledger_files import LedgerFiles
from psyche_rl.records import GenerationRequest, Sample
from psyche_rl.store import RunStore
from rewards import Score

Lengths = Mapping[str, int] | Sequence[tuple[str, int]]
"""Sample ids and their response tokens; pairs where a sample could be there twice, which must be seen."""
NOTHING = Amount()


class Ledger:
    """The books of one stage of a run folder; what earlier incarnations wrote is read first.

    Args:
        on_finding: told at the end of a step of each thing that was found wrong in it.

    Raises:
        LedgerError: that cannot be read.
    """

    def __init__(
        self, store: RunStore, stage: str, on_finding: Callable[[str], None] = lambda _: None
    ) -> None:
        self._on_finding, self._stage = on_finding, stage
        self._files, self._book = LedgerFiles(store, stage), LedgerBook()
        for entry in self._files.read():
            self._book.add(entry)
        self._seq = self._step = 0
        self._pending: list[LedgerEntry] = []
        self._told: set[str] = set()
        self._writing = RLock()

    def begin(self, done: int) -> None:
        """An incarnation goes on from ``done`` finished steps: a new process, or one that goes back to its
        checkpoint by itself.

        What earlier ones left in flight is abandoned, and what ended after step ``done`` rolled back. Answers
        to requests of before are to be thrown away unsaid.
        """
        self.flush()
        flying, undone = self._book.in_flight(), self._book.ended_after(done)
        self._step = done
        opened = self._entry("opened", step=done, incarnation=self._book.incarnation + 1, seq=0)
        named: tuple[tuple[Event, dict[int, list[str]]], ...] = (
            ("abandoned", flying),
            ("rolled_back", undone),
        )
        of = [(event, old, groups) for event, by_old in named for old, groups in by_old.items()]
        self._keep(
            opened,
            *(
                self._entry(event, incarnation=opened.incarnation, seq=i, of=old, groups=tuple(groups))
                for i, (event, old, groups) in enumerate(of, 1)
            ),
        )

    # -- what happens to groups and samples ----------------------------------------------------
    def issued(self, requests: Sequence[GenerationRequest], version: int) -> None:
        """The dispatcher gives out a group for each request, to be sampled at ``version`` or later."""
        named = ((request.id, tuple(f"{request.id}/{i}" for i in range(request.n))) for request in requests)
        self._write("issued", *({"group": g, "samples": s, "version": version} for g, s in named))

    def generated(self, samples: Iterable[Sample], worker: str, attempt: int | None = None) -> None:
        """A worker handed out samples; ``attempt``: as it was told with the work, from 1."""
        groups = _by_group([(s.id, len(s.response_ids)) for s in samples])
        self._write("generated", *groups, worker=worker, attempt=attempt)

    def lost(self, group: str, lengths: Lengths, worker: str) -> None:
        """A worker died, or was given up, with samples that it had not handed out, or handed them out when
        their group had been let go; ``lengths``: the tokens that are known of them. Samples of a group that
        is still wanted are given out again."""
        self._write("lost", _of_group(group, lengths), worker=worker)

    def scored(self, samples: Sequence[Sample], scores: Sequence[Score]) -> None:
        """The scorers' answers, one for each sample."""
        told = [(s.id, len(s.response_ids), score.value) for s, score in zip(samples, scores, strict=True)]
        self._write("scored", *_by_group([(s, n) for s, n, value in told if value is not None]))
        self._write("failed", *_by_group([(s, n) for s, n, value in told if value is None]))

    def trained(self, step: int, samples: Lengths) -> None:
        """The learner took a step on these samples: of each group all that have a score."""
        self._write("trained", *_by_group(samples), step=step)

    def ended(self, how: Event, step: int, group: str, samples: Lengths, judged: int | None = None) -> None:
        """The filter lets a group go: "stale", "filtered", "errored" or "surplus".

        Args:
            samples: all of the group but those whose scorer failed; 0 for one that was not generated.
            judged: how many of its samples the caller has seen scored or failed. Without it nobody can tell
                a group let go before it was scored from one whose scores were not entered.
        """
        self._write(how, _of_group(group, samples), step=step, judged=judged)

    # -- moments -------------------------------------------------------------------------------
    def step_ended(self, step: int, held: Iterable[str] = (), amount: Amount = NOTHING) -> tuple[str, ...]:
        """The step's books are there to stay; returns what was found wrong since the last step, a line each.

        Args:
            held: groups that buffer and workers hold at this moment, by their own count; no other call
                may come between that count and this one.
            amount: groups, samples and tokens that these are by their own count.
        """
        groups = tuple(held)
        with self._writing:  # nothing comes in between the count and its entry
            figures = {"samples_held": amount.samples, "tokens_held": amount.tokens}
            self._keep(self._entry("held", groups=groups, step=step, **figures))
            self.flush()
            self._step = step
            found = [each for each in self._book.balance().findings if each not in self._told]
            self._told.update(found)
        for finding in found:
            self._on_finding(finding)
        return tuple(found)

    def balance(self) -> Balance:
        """The sums at this moment."""
        with self._writing:
            return self._book.balance()

    def flush(self) -> None:
        """Bring what is pending to the run folder."""
        with self._writing:
            self._files.append(self._pending, self._step + 1)
            self._pending.clear()

    def close(self) -> Balance:
        """The run ends: nothing may be in flight any more.

        Raises:
            LedgerError: the books do not close; names the first group or sample, and the party.
        """
        self._write("closed", {"step": self._step})
        self.flush()
        balance = self._book.balance(done=True)
        if not balance.closes:
            first, more = balance.findings[0], len(balance.findings) - 1
            others = f" (and {more} more)" if more else ""
            raise LedgerError(
                f"{self._files.url}: the books do not close: {first}{others}; psyche-rl ledger RUN tells "
                f"all, --from {self._stage} does the stage again"
            )
        return balance

    # -- inside --------------------------------------------------------------------------------
    def _write(self, event: Event, *each: Mapping[str, Any], **of_all: Any) -> None:
        """An entry for ``each``, kept together: a step has hundreds."""
        with self._writing:
            entries = [
                self._entry(event, seq=number, **fields, **of_all)
                for number, fields in enumerate(each, self._seq)
            ]
            if entries:
                self._keep(*entries)

    def _entry(self, event: Event, **fields: Any) -> LedgerEntry:
        return LedgerEntry(
            event=event, **({"incarnation": self._book.incarnation, "seq": self._seq} | fields)
        )

    def _keep(self, *entries: LedgerEntry) -> None:
        for entry in entries:
            self._book.add(entry)
            self._seq = entry.seq + 1
        self._pending += entries
        if self._files.appends:
            self.flush()


def _pairs(samples: Lengths) -> list[tuple[str, int]]:
    return list(samples.items()) if isinstance(samples, Mapping) else list(samples)


def _of_group(group: str, samples: Lengths) -> dict[str, Any]:
    """What an entry says of a group's samples."""
    pairs = _pairs(samples)
    return {"group": group, "samples": tuple(s for s, _ in pairs), "tokens": tuple(n for _, n in pairs)}


def _by_group(samples: Lengths) -> list[dict[str, Any]]:
    """The same of each group; a sample's is the request that its id begins with."""
    groups: dict[str, list[tuple[str, int]]] = {}
    for sample, tokens in _pairs(samples):
        groups.setdefault(sample.rpartition("/")[0], []).append((sample, tokens))
    return [_of_group(group, pairs) for group, pairs in groups.items()]
