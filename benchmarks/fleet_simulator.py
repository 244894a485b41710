"""What the fleet's policies cost in wall clock, by a simulation with a clock of its own.

    python benchmarks/fleet_simulator.py [--steps 12] [--workers 1 16] [--train 0.5 1.0]

Role: carries out what ``psyche_rl.fleet`` decides (admission, dispatch, membership) as the pool and the
asynchronous loop would, with costs that are handed in, and says what it took. Staleness 0 is sync mode, with
the dynamic dispatch, which is kinder to it than the static one. The tests use it for the policies together.

The model: a worker generates up to ``cap`` samples side by side, each in its own time; a step trains for
``train_s``, in at most M parts, each of which starts when an Mth of the step's groups is there and takes all
that are (M = 1: when the step is full); a publish, which ends a step, holds the learner and all engines for
``publish_s``; scores cost nothing.

The stated ideal: with s(i) the seconds of consumed sample i, W workers, T steps of P groups of n

    generation = sum of s(i) / (W * cap) + (T - 1) * publish_s     what the engines cannot do without
    training   = T * train_s + (T - 1) * publish_s                 what the learner cannot do without
    first      = max(P / M * n * mean s / (W * cap), mean s)       before the first part can begin
    ideal      = max(generation + train_s / M, first + training)

as the last part is trained when all is generated, and the first when its groups are.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from heapq import heappop, heappush
from pathlib import Path
from statistics import fmean

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from psyche_rl.fleet.admission import Admission, AdmissionRule, StepState, Taken  # noqa: E402
from psyche_rl.fleet.dispatcher import Dispatcher, SampleWork  # noqa: E402
from psyche_rl.fleet.fleet import Fleet  # noqa: E402
from psyche_rl.fleet.slot import Served, SlotState  # noqa: E402
from psyche_rl.loops.step_training import PARTS  # noqa: E402


@dataclass(frozen=True)
class Costs:
    """Seconds; ``sample_s`` of a sample by group number and index."""

    sample_s: Callable[[int, int], float]
    train_s: float
    publish_s: float = 0.0
    load_s: float = 0.0
    """From joining to being loaded."""
    filtered: Callable[[int], bool] = lambda group: False
    """Whether a group has no variance."""


@dataclass(frozen=True)
class Change:
    """Of the fleet, at a time: workers join, or some, drawn by ``seed``, are lost or asked to leave."""

    at: float
    join: int = 0
    lose: int = 0
    drain: int = 0


@dataclass(frozen=True)
class Outcome:
    """What a run took."""

    wall_s: float
    ideal_s: float
    consumed: tuple[Taken, ...]
    admitted: int
    filtered: int
    errored: int
    outstanding: int
    """Groups still under way at the end."""
    duplicates: int
    regenerated: int
    ended: str
    """Why it ended before its last step, or ""."""

    @property
    def efficiency(self) -> float:
        """The ideal over the wall clock."""
        return self.ideal_s / self.wall_s

    @property
    def mean_staleness(self) -> float:
        """Of the groups consumed, in versions."""
        return fmean(taken.staleness for taken in self.consumed)


class Simulation:
    """A run of ``rule.steps`` steps of groups of ``group`` samples; ``changes`` are sorted by nobody."""

    def __init__(
        self,
        rule: AdmissionRule,
        costs: Costs,
        workers: int,
        cap: int,
        group: int,
        changes: Sequence[Change] = (),
        seed: int = 0,
        parts: int = 1,
    ) -> None:
        if rule.steps is None or rule.prompts % parts:
            raise ValueError("a simulation has an end, and a step as many groups in each of its parts")
        self._part, self._begun = rule.prompts // parts, 0
        self.rule, self.costs, self.workers, self.cap, self.group = rule, costs, workers, cap, group
        self.policy, self.dispatcher = Admission(rule), Dispatcher(cap)
        self.fleet = Fleet(version=0, checksum=0)
        self.now, self.ended, self.training = 0.0, "", False
        self.consumed: list[Taken] = []
        self.filtered = self.errored = self.regenerated = 0
        self._draw, self._changes = random.Random(seed), changes
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._held_s = 0.0  # engines have stood still for so long; what they do is on a clock without it
        self._samples: list[tuple[float, int, SampleWork]] = []
        self._missing: dict[str, int] = {}
        self._oldest: dict[str, int] = {}

    def run(self) -> Outcome:
        """To the last step, or to the verdict that ends the run."""
        for slot in self.fleet.join(0.0, self.workers):
            self.fleet.placed(slot.id, 0.0, "node")
            self._serve(slot.id)
        for change in self._changes:
            self._at(change.at, partial(self._change, change))
        self._turn()
        while self.policy.step < (self.rule.steps or 0) and not self.ended:
            self._next()
            self._turn()
        return Outcome(
            self.now, self.ideal(), tuple(self.consumed), self.policy.admitted, self.filtered, self.errored,
            len(self.policy.outstanding), self.dispatcher.duplicates, self.regenerated, self.ended,
        )  # fmt: skip

    def ideal(self) -> float:
        """The formula of the module, for the workers that the run began with."""
        places, steps, costs = self.workers * self.cap, self.policy.step, self.costs
        seconds = [costs.sample_s(int(t.id), i) for t in self.consumed for i in range(self.group)] or [0.0]
        publishes, mean = (steps - 1) * costs.publish_s, fmean(seconds)
        first = max(self._part * self.group * mean / places, mean)
        training = first + steps * costs.train_s + publishes
        last = costs.train_s * self._part / self.rule.prompts
        return max(sum(seconds) / places + publishes + last, training)

    # What happens next.

    def _at(self, when: float, act: Callable[[], None]) -> None:
        heappush(self._events, (when, next(self._order), act))

    def _next(self) -> None:
        sample_at = self._samples[0][0] + self._held_s if self._samples else None
        if self._events and (sample_at is None or self._events[0][0] <= sample_at):
            self.now, _, act = heappop(self._events)
            act()
        elif sample_at is not None:
            self.now = sample_at
            _, slot, work = heappop(self._samples)
            self._generated(slot, work)
        else:
            raise RuntimeError(f"nothing happens any more at step {self.policy.step}: a deadlock")

    def _generated(self, slot: int, work: SampleWork) -> None:
        if not self.dispatcher.completed(slot, work):
            return
        if self.fleet.slot(slot).state is SlotState.DRAINING and not self.dispatcher.load(slot):
            self.fleet.drained(slot, self.now)
        self._missing[work.group] -= 1
        if self._missing[work.group]:
            return
        del self._missing[work.group]
        oldest = self._oldest.pop(work.group)
        if self.costs.filtered(int(work.group)):
            self.policy.leave(work.group, "filtered")
            self.filtered += 1
        else:
            self.policy.ready(work.group, oldest, self.fleet.version)

    def _change(self, change: Change) -> None:
        for slot in self.fleet.join(self.now, change.join):
            self.fleet.placed(slot.id, self.now, "node")
            self._at(self.now + self.costs.load_s, partial(self._serve, slot.id))
        for slot in self._some(change.lose):
            self.fleet.lost(slot, self.now, "lost")
            lost = self.dispatcher.lost(slot)
            self.regenerated += lost.again
            for group in lost.hopeless:
                self._give_up(group)
        for slot in self._some(change.drain):
            if self.fleet.drain(slot, self.now, "asked to leave") and not self.dispatcher.load(slot):
                self.fleet.lost(slot, self.now, "it had nothing to do")
        self.dispatcher.serving(self.fleet.takes_work)

    def _give_up(self, group: str) -> None:
        self.dispatcher.forget(group)
        self.policy.leave(group, "errored")
        del self._missing[group], self._oldest[group]
        self.errored += 1

    def _some(self, count: int) -> list[int]:
        """Workers that stay, drawn by the seed, but never all of them."""
        there = self.fleet.staying
        return self._draw.sample(there, min(count, max(0, len(there) - 1)))

    def _serve(self, slot: int) -> None:
        """A joiner has loaded; within a publish it is synced when that has ended."""
        if self.fleet.slot(slot).state is SlotState.LOADING:
            self.fleet.loaded(slot, self.now)
            self._sync()

    # What the pool and the loop do.

    def _turn(self) -> None:
        """Everything that can be done at this moment."""
        while self.dispatcher.free > 0 and self.policy.room(self.fleet.version) > 0:
            group = str(self.policy.admitted)
            self.policy.admit(group, self.fleet.version)
            self.dispatcher.submit(group, self.group)
            self._missing[group] = self.group
        for send in self.dispatcher.assign():
            self._oldest.setdefault(send.work.group, self.fleet.version)
            seconds = self.costs.sample_s(int(send.work.group), send.work.index)
            heappush(self._samples, (self.now - self._held_s + seconds, send.slot, send.work))
        if not self.training:
            self._try_to_train()

    def _try_to_train(self) -> None:
        self.consumed += self.policy.take()
        ended = self.policy.state() in {StepState.FULL, StepState.SHORT}
        groups = self.policy.taken - self._begun
        if groups >= self._part or ended:
            self._begun, self.training = self._begun + groups, True
            self._at(self.now + self.costs.train_s * groups / self.rule.prompts, self._trained)
        elif verdict := self.policy.nothing_left():
            self.ended = str(verdict)

    def _trained(self) -> None:
        """A part of the step is trained; the last one is published."""
        self.training = False
        ended = self.policy.state() in {StepState.FULL, StepState.SHORT}
        if not ended or self._begun < self.policy.taken:
            return
        self.policy.advance()
        self._begun, self.training = 0, True
        if self.policy.step == self.rule.steps:
            return
        self.fleet.begin_publish(self.policy.step, self.now, checksum=self.policy.step)
        self.dispatcher.serving(self.fleet.takes_work)
        self._held_s += self.costs.publish_s
        self._at(self.now + self.costs.publish_s, self._published)

    def _published(self) -> None:
        for slot in self.fleet.pending:
            self.fleet.proved(slot, Served(self.policy.step, self.policy.step), self.now)
        ended, self.training = self.fleet.end_publish(), False
        self._sync()
        self._change(Change(self.now, join=ended.joins))
        for slot, why in ended.drains:
            self.fleet.drain(slot, self.now, why)

    def _sync(self) -> None:
        for slot in self.fleet.to_sync if not self.fleet.publishing else ():
            self.fleet.proved(slot, Served(self.fleet.version, self.fleet.version), self.now)
        self.dispatcher.serving(self.fleet.takes_work)


# The figures.

DIFFERENT_LENGTHS = 65_537
"""Drawn once and used in turn; a prime, so that they meet other places each time."""
CAP, GROUP, WAVES = 8, 8, 4
"""A step has ``WAVES`` samples for each of the ``CAP`` places of a worker, in groups of ``GROUP``."""


def lengths(seed: int, long_share: float = 0.0) -> Callable[[int, int], float]:
    """Seconds of a sample: uniform between 0.5 and 1.5, some of them ten times that."""
    draw = random.Random(seed)
    drawn = [
        (0.5 + draw.random()) * (10 if draw.random() < long_share else 1) for _ in range(DIFFERENT_LENGTHS)
    ]
    return lambda group, index: drawn[(group * GROUP + index) % DIFFERENT_LENGTHS]


def simulate(
    workers: int, staleness: int, steps: int, train: float, long_share: float = 0.0, parts: int = 1
) -> Outcome:
    """``train``: seconds of a step's training over those that the fleet takes to generate it."""
    prompts = WAVES * workers * CAP // GROUP
    mean = 1.0 + 9.0 * long_share
    costs = Costs(lengths(1, long_share), train_s=train * WAVES * mean, publish_s=0.02 * WAVES)
    setting = AdmissionRule(prompts, staleness, steps)
    return Simulation(setting, costs, workers, CAP, GROUP, parts=parts).run()


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 4, 16, 64, 1024])
    parser.add_argument("--train", type=float, nargs="+", default=[0.5, 0.9, 1.0, 1.1, 2.0])
    args = parser.parse_args()
    print("ideal over wall clock (mean staleness), by training time over generation time; staleness 0, 1, 4;")
    print("the learner starts when the step is full, then when an eighth of it is there")
    for workers in args.workers:
        for train in args.train:
            early = min(PARTS, WAVES * workers * CAP // GROUP)
            runs = [simulate(workers, s, args.steps, train, parts=p) for p in (1, early) for s in (0, 1, 4)]
            cells = "  ".join(f"{run.efficiency:5.3f} ({run.mean_staleness:4.2f})" for run in runs)
            print(f"{workers:5} workers, training {train:3.1f}:  {cells}", flush=True)
    print("sync over async wall clock, 5 % of the samples ten times longer")
    for workers in args.workers:
        for train in args.train:
            early = min(PARTS, WAVES * workers * CAP // GROUP)
            walls = [
                simulate(workers, s, args.steps, train, 0.05, parts=early if s else 1).wall_s
                for s in (0, 1, 4)
            ]
            cells = "  ".join(f"{walls[0] / wall:5.2f}" for wall in walls)
            print(f"{workers:5} workers, training {train:3.1f}:  {cells}", flush=True)


if __name__ == "__main__":
    main()
