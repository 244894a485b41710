"""One line of the ledger: something that one party saw happen to a group of samples.

Pure data. Collaborators: ``ledger`` makes entries, ``ledger_files`` keeps them, ``book`` adds them up.
Invariants:
- An entry is never changed or removed; what is undone gets an entry of its own.
- Each event has one party that may write it (:data:`PARTY`), the one that saw it.
- Entries are numbered from 0 within an incarnation (one process start of the stage), so that a line that is
  gone is noticed.
- Group and sample ids are unique within an incarnation only: a step that is done again asks by the same ids.
"""

from __future__ import annotations

from typing import Literal

from psyche_rl.records import Record

Event = Literal[
    "opened", "issued", "generated", "lost", "scored", "failed", "trained", "stale", "filtered", "errored",
    "surplus", "held", "abandoned", "rolled_back", "closed",
]  # fmt: skip
Party = Literal["loop", "dispatcher", "worker", "scorer", "learner", "filter", "buffer"]
PARTY: dict[Event, Party] = {
    "opened": "loop",
    "issued": "dispatcher",
    "generated": "worker",
    "lost": "dispatcher",
    "scored": "scorer",
    "failed": "scorer",
    "trained": "learner",
    "stale": "filter",
    "filtered": "filter",
    "errored": "filter",
    "surplus": "filter",
    "held": "buffer",
    "abandoned": "loop",
    "rolled_back": "loop",
    "closed": "loop",
}
"""Who sees what."""
ENDINGS: tuple[Event, ...] = ("trained", "stale", "filtered", "errored", "surplus")
"""The ways in which a group ends while its process lives; a group has exactly one."""


class LedgerEntry(Record):
    """What was seen. The fields that an event does not use keep their defaults.

    - opened: the incarnation goes on from ``step`` finished steps.
    - issued: ``group`` with its ``samples``, to be sampled at ``version``.
    - generated: ``worker`` handed out ``samples`` of ``group``, of ``tokens`` response tokens each.
      ``attempt`` is what it was told with the work (1: given out for the first time); None where unknown.
    - lost: ``worker`` is gone with ``samples`` that it had not handed out, or whose answer came too late to
      be taken; ``tokens`` holds what is known of their length.
    - scored, failed: the scorers gave a score to ``samples`` (of ``tokens`` response tokens each), or could
      not.
    - trained, stale, filtered, errored, surplus: how ``group`` ended in ``step``, with all its ``samples``
      but the failed ones and their ``tokens`` (0 for one that was never generated). ``judged``: how many
      of its samples the filter knows to be scored or failed; None where it does not tell.
    - held: at the end of ``step`` the buffer and the workers hold ``groups``, in all ``samples_held`` samples
      that are not failed, of which ``tokens_held`` response tokens are there.
    - abandoned: ``groups`` of the incarnation ``of`` were in flight when it ended.
    - rolled_back: ``groups`` of the incarnation ``of`` ended in steps that no checkpoint holds.
    - closed: the run ends, after ``step``.
    """

    event: Event
    incarnation: int = 1
    seq: int = 0
    step: int = 0
    """The number of the step in the metrics, from 1; 0 before any."""
    version: int | None = None
    group: str = ""
    worker: str = ""
    samples: tuple[str, ...] = ()
    tokens: tuple[int, ...] = ()
    attempt: int | None = None
    judged: int | None = None
    groups: tuple[str, ...] = ()
    of: int = 0
    samples_held: int = 0
    tokens_held: int = 0

    @property
    def party(self) -> Party:
        """Who saw it."""
        return PARTY[self.event]

    @property
    def lengths(self) -> dict[str, int]:
        """Sample -> response tokens, for the events that tell both."""
        return dict(zip(self.samples, self.tokens, strict=True))

    def told(self) -> str:
        """The entry as findings name it."""
        return f"entry {self.incarnation}.{self.seq} ({self.event})"
