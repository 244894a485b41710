"""A group that was given out and has not ended: what each party has said of its samples.

Collaborators: ``book`` holds one for each group in flight; every method returns what is wrong with an entry,
a line each, and takes the entry's figures in any case, so that the sums show them too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from psyche_rl.ledger.balance import Amount
from psyche_rl.ledger.entry import LedgerEntry

MUST_BE_SCORED = ("trained", "filtered")
"""Nothing is trained on, or thrown away for its rewards, before every sample was generated and scored."""


@dataclass
class OpenGroup:
    """One group in flight; sample ids throughout."""

    name: str
    issued: frozenset[str]
    version: int | None
    generated: dict[str, int] = field(default_factory=dict)
    """Response tokens, as the workers told."""
    workers: dict[str, str] = field(default_factory=dict)
    scored: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    lost: Counter[str] = field(default_factory=Counter)
    lost_with: set[tuple[str, str]] = field(default_factory=set)

    @property
    def amount(self) -> Amount:
        """What of it is in flight: its samples but the failed ones, and their tokens."""
        alive = self.issued - self.failed
        return Amount(1, len(alive), sum(self.generated.get(sample, 0) for sample in alive))

    def add_generated(self, entry: LedgerEntry) -> Iterator[str]:
        """Samples that a worker handed out."""
        yield from self._strangers(entry)
        for sample, tokens in entry.lengths.items():
            if sample in self.generated:
                first = self.workers[sample]
                yield f"sample {sample}: handed out twice, by worker {first} and worker {entry.worker}"
            elif entry.attempt is not None and entry.attempt != self.lost[sample] + 1:
                yield (
                    f"sample {sample}: worker {entry.worker} was given it for the {entry.attempt}. time, the "
                    f"dispatcher counts it lost {self.lost[sample]} times"
                )
            self.generated[sample], self.workers[sample] = tokens, entry.worker

    def add_lost(self, entry: LedgerEntry) -> Iterator[str]:
        """Samples that died with a worker."""
        yield from self._strangers(entry)
        for sample in entry.samples:
            if (sample, entry.worker) in self.lost_with:
                yield f"sample {sample}: lost twice with worker {entry.worker}, by the dispatcher"
            self.lost_with.add((sample, entry.worker))
            self.lost[sample] += 1

    def add_judged(self, entry: LedgerEntry) -> Iterator[str]:
        """Samples that the scorers gave a score, or failed on."""
        yield from self._strangers(entry)
        for sample in entry.samples:
            if sample in self.scored | self.failed:
                yield f"sample {sample}: judged twice by the scorers"
        yield from self._lengths(entry)
        (self.scored if entry.event == "scored" else self.failed).update(entry.samples)

    def end(self, entry: LedgerEntry) -> Iterator[str]:
        """The group's end, told by learner or filter."""
        expected, named = self.issued - self.failed, set(entry.samples)
        for sample in sorted(expected - named):
            yield f"sample {sample}: of a group that is {entry.event}, but not named by the {entry.party}"
        for sample in sorted(named & self.failed):
            yield f"sample {sample}: failed by the scorers, yet {entry.event} by the {entry.party}"
        yield from self._strangers(entry)
        yield from self._lengths(entry)
        if entry.event in MUST_BE_SCORED:
            yield from self._unseen(entry, expected - set(self.generated), "no worker handed it out")
            yield from self._unseen(entry, expected - self.scored, "no scorer scored it")
        elif entry.event == "errored" and (self.scored or self.failed):
            rest = set(self.generated) - self.scored - self.failed
            yield from self._unseen(entry, rest, "no scorer judged it")
        judged = len(self.scored | self.failed)
        if entry.judged is not None and entry.judged != judged:
            yield (
                f"group {self.name}: {entry.event} by the {entry.party} with {entry.judged} samples judged, "
                f"the scorers judged {judged}"
            )
        if entry.event == "trained" and self.version is not None and self.version >= entry.step:
            yield (
                f"group {self.name}: sampled at weight version {self.version}, but trained by the learner in "
                f"step {entry.step}, at version {entry.step - 1}: negative staleness"
            )

    def _strangers(self, entry: LedgerEntry) -> Iterator[str]:
        for sample in entry.samples:
            if sample not in self.issued:
                yield f"sample {sample}: {entry.event} by the {entry.party}, but never issued"

    def _lengths(self, entry: LedgerEntry) -> Iterator[str]:
        for sample, tokens in entry.lengths.items():
            told = self.generated.get(sample, 0)
            if tokens != told:
                by = f"worker {self.workers[sample]}" if sample in self.workers else "no worker"
                yield f"sample {sample}: {tokens} tokens at the {entry.party}, {told} handed out by {by}"

    def _unseen(self, entry: LedgerEntry, samples: Iterable[str], why: str) -> Iterator[str]:
        for sample in sorted(samples):
            yield f"sample {sample}: {entry.event} by the {entry.party}, but {why}"
