"""The staleness contract of asynchronous mode: which groups are started, and which a step is made of.

Role: one pure policy for both sides. The side that generates asks :meth:`Admission.room` and calls
:meth:`~Admission.admit`; the side that trains calls :meth:`~Admission.take` and :meth:`~Admission.advance`.
Collaborators: ``deadlines`` (the bound), ``refill`` (the cap of dynamic sampling); the pool and the
asynchronous loop call in, and nothing is called back.

A group is outstanding from its admission until it is taken for a step or leaves for another reason. Its
birth is the version that the fleet serves when it is admitted, which is that of its oldest token or older.
At step c, which starts from version c, its staleness is c - birth.

Invariants:

- A staleness lies between 0 and S. Admission sees to it, so the learner waits, and nothing is dropped.
- Whenever every outstanding group is ready, a step can be formed, and the groups that are due come first.
- Where a group is slow, younger ones may go before it, as long as it and all others still come in time and
  they are within the window, which is anchored at the oldest outstanding group (windowed FIFO, MiniMax
  section 6.2.4). So slow groups, which are those of long and hard questions, are trained on and not starved.
- The room is worked out from what is outstanding, never from totals, so a policy that starts anew at some
  version, after a resume or a failover, admits no more than it would have without.
- Samples of a lost worker are generated again inside their group, whose birth stays.
- With S = 0, the P groups of a step and those that replace them are admitted at its version and all consumed.

Admit a group when a worker can start it, not ahead: the later its birth, the longer it may take.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from enum import Enum, auto
from heapq import heappop, heappush
from typing import Literal

from psyche_rl.errors import StalenessError
from psyche_rl.fleet.deadlines import Deadlines
from psyche_rl.fleet.refill import NothingLeftToTeach, Refill

WINDOW_SHARE = 0.3
"""Window over the (S + 1) * P groups under way (MiniMax's and torchtitan's figure)."""

Leaving = Literal["filtered", "errored", "surplus"]
"""Why a group is not trained on, by the terms of the ledger; those that :meth:`Admission.advance` drops are
its ``stale`` ones."""


@dataclass(frozen=True)
class AdmissionRule:
    """What is fixed for a run."""

    prompts: int
    """P: groups in a step."""
    staleness: int
    """S: versions between a group's birth and the step that consumes it, at most."""
    steps: int | None = None
    """T: steps of the run; the last ones admit only what they can still consume."""
    gen_batches: int = 3
    """Batches that may be generated for a step, replacements included."""
    least: int = 1
    """Groups without which a step is not worth taking, once ``gen_batches`` are used up."""
    window_share: float = WINDOW_SHARE
    drop: bool = False
    """Drop groups that pass their deadline, instead of waiting for them."""

    def __post_init__(self) -> None:
        if self.staleness < 0 or not 0 < self.least <= self.prompts:
            raise ValueError(f"{self}: needs staleness >= 0 and least between 1 and prompts")
        if not 0 <= self.window_share <= 1:
            raise ValueError(f"window_share={self.window_share} is not between 0 and 1")

    @property
    def window(self) -> int:
        """Groups from the oldest outstanding one on, of which a ready one may be taken."""
        return max(1, int(self.window_share * (self.staleness + 1) * self.prompts))


@dataclass(frozen=True)
class AdmittedGroup:
    """An outstanding group. ``place`` counts the admissions of the policy, from 0."""

    id: str
    birth: int
    place: int
    ready: bool = False


@dataclass(frozen=True)
class Taken:
    """A group that the step ``step`` consumes."""

    id: str
    birth: int
    step: int

    @property
    def staleness(self) -> int:
        """Versions between its birth and the step."""
        return self.step - self.birth


class StepState(Enum):
    """How far the step being collected is."""

    COLLECTING = auto()
    FULL = auto()
    SHORT = auto()
    """Fewer than P groups, and no more will come: refills are used up and nothing is outstanding."""
    BARREN = auto()
    """As short, but below ``least``; :meth:`Admission.nothing_left` has the verdict."""


class Admission:
    """The policy at ``step`` finished optimizer steps, which the fleet serves, with nothing under way."""

    def __init__(self, rule: AdmissionRule, step: int = 0) -> None:
        self.rule, self.step = rule, step
        self._deadlines = Deadlines(rule.prompts, rule.staleness, rule.steps)
        self._refill = Refill(rule.prompts, rule.gen_batches)
        self._outstanding: OrderedDict[str, AdmittedGroup] = OrderedDict()
        self._ready: list[tuple[int, str]] = []  # heap by place; of groups that left, entries stay behind
        self._taken: list[Taken] = []
        self._served, self._places = step, 0

    # The side that generates.

    def room(self, version: int) -> int:
        """How many groups may be admitted now, while the fleet serves ``version``.

        Raises:
            StalenessError: no finished step has made ``version``, or a newer one was served before.
        """
        if not self._served <= version <= self.step:
            raise StalenessError(
                f"the fleet serves version {version}, after version {self._served} and "
                f"{self.step} finished steps; versions never go back, and no step makes one before it ends"
            )
        if self._refill.spent and len(self._taken) < self.rule.prompts:
            return 0
        late = version + self.rule.staleness < self.step
        # Where groups may be dropped, none keeps a place for others; only the sum is bounded.
        birth = self.step if self.rule.drop and not late else version
        return self._deadlines.room(birth, self.step, len(self._taken))

    def admit(self, group: str, version: int) -> None:
        """Start a group, born at the version that the fleet serves.

        Raises:
            StalenessError: as :meth:`room`, or there is no room.
            ValueError: the group is outstanding already.
        """
        if self.room(version) < 1:
            raise StalenessError(f"group {group} does not fit beside the {self.under_way} under way")
        if group in self._outstanding:
            raise ValueError(f"group {group} was admitted twice")
        self._outstanding[group] = AdmittedGroup(group, version, self._places)
        self._deadlines.add(version)
        self._served, self._places = version, self._places + 1

    def ready(self, group: str, oldest: int, newest: int) -> None:
        """All samples of a group are scored, and it can be learned from.

        ``oldest`` and ``newest`` are the versions of its oldest and its newest token.

        Raises:
            StalenessError: the versions contradict when the group was admitted, or what steps have finished.
            KeyError: it is not outstanding.
        """
        found = self._outstanding[group]
        if not found.birth <= oldest <= newest <= self.step:
            raise StalenessError(
                f"group {group} was admitted at version {found.birth} and has tokens of the versions "
                f"{oldest} to {newest} after {self.step} finished steps"
            )
        if not found.ready:
            self._outstanding[group] = replace(found, ready=True)
            heappush(self._ready, (found.place, group))

    def leave(self, group: str, why: Leaving) -> None:
        """A group is not trained on, and gives its place to another."""
        self._remove(group)
        self._refill.filtered += why == "filtered"
        self._refill.errored += why == "errored"

    # The side that trains.

    def take(self) -> tuple[Taken, ...]:
        """The ready groups that the step may have by now, oldest first; they are outstanding no longer."""
        before = len(self._taken)
        while len(self._taken) < self.rule.prompts and (group := self._next()):
            self._remove(group.id)
            self._taken.append(Taken(group.id, group.birth, self.step))
            if len(self._taken) == self.rule.prompts:
                self._refill.restart()
        return tuple(self._taken[before:])

    def state(self) -> StepState:
        """How far the step is."""
        if len(self._taken) == self.rule.prompts:
            return StepState.FULL
        if self._outstanding or not self._refill.spent:
            return StepState.COLLECTING
        return StepState.SHORT if len(self._taken) >= self.rule.least else StepState.BARREN

    def nothing_left(self) -> NothingLeftToTeach | None:
        """The verdict that ends the run, or None."""
        if self.state() is not StepState.BARREN:
            return None
        return NothingLeftToTeach(self.step, len(self._taken), self._refill.filtered, self._refill.errored)

    def advance(self) -> tuple[str, ...]:
        """The step is trained. Returns the groups that are dropped: to be aborted, if they are not ready.

        Raises:
            ValueError: the step was not full, nor as full as it could be.
        """
        if self.state() not in {StepState.FULL, StepState.SHORT}:
            raise ValueError(f"step {self.step} has {len(self._taken)} of {self.rule.prompts} groups")
        if self.state() is StepState.SHORT:
            self._refill.restart()
        self.step += 1
        self._taken.clear()
        late = [g.id for g in self._outstanding.values() if g.birth + self.rule.staleness < self.step]
        for group in late:  # without ``drop`` there are none
            self._remove(group)
        return tuple(late)

    # For the ledger and those who watch.

    @property
    def outstanding(self) -> tuple[AdmittedGroup, ...]:
        """Oldest first."""
        return tuple(self._outstanding.values())

    @property
    def taken(self) -> int:
        """Groups taken for the step."""
        return len(self._taken)

    @property
    def admitted(self) -> int:
        """Groups admitted so far."""
        return self._places

    @property
    def under_way(self) -> int:
        """Groups outstanding or taken for the step."""
        return len(self._outstanding) + len(self._taken)

    def _next(self) -> AdmittedGroup | None:
        """The oldest ready group, if it may be taken; where it may not, no younger one may either."""
        while self._ready and not self._is_at(*self._ready[0]):
            heappop(self._ready)
        if not self._ready:
            return None
        group, oldest = self._outstanding[self._ready[0][1]], next(iter(self._outstanding.values()))
        if self.rule.drop:
            return group
        near = group.place < oldest.place + self.rule.window
        fits = self._deadlines.may_take(group.birth, self.step, len(self._taken))
        return group if near and fits else None

    def _is_at(self, place: int, name: str) -> bool:
        """Whether the group is outstanding still, not admitted anew under the same name."""
        return name in self._outstanding and self._outstanding[name].place == place

    def _remove(self, group: str) -> None:
        self._deadlines.remove(self._outstanding.pop(group).birth)
