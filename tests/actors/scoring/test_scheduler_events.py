"""The scoring scheduler under any sequence of events: what it promises of each item, worker and call."""

from __future__ import annotations

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actors.scoring.call_queue import Item
from actors.scoring.decisions import Decision, End, Fail, Send
from actors.scoring.scaling import ScalingPolicy
from actors.scoring.scheduler import Scheduler
from actors.scoring.worker_load import GRACE_S, CpuUse

TIMEOUT_S = 1.0
MINIMUM, MAXIMUM = 2, 5


class World(RuleBasedStateMachine):
    """Workers that score, hang and die as Hypothesis likes, and a note of all that was decided."""

    concurrent = False

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.calls, self.numbers = 0, 0
        self.wanted: set[int] = set()
        self.open: dict[int, list[Item]] = {}
        self.touched: dict[int, float] = {}
        self.told_to_end: dict[int, Item] = {}
        self.waiting: set[Item] = set()
        self.ended: set[Item] = set()
        self.deaths: Counter[Item] = Counter()

    @initialize()
    def begin(self) -> None:
        policy = ScalingPolicy(MINIMUM, MAXIMUM)
        self.scheduler = Scheduler(policy, TIMEOUT_S, self.concurrent, cores=4)
        self.scale()

    # What happens.

    @rule(count=st.integers(0, 40))
    def admit(self, count: int) -> None:
        self.calls += 1
        self.waiting |= {Item(self.calls, place) for place in range(count)}
        if count:
            self.wanted.add(self.calls)
        self.carry_out(self.scheduler.admit(self.calls, count, self.now))

    @precondition(lambda self: self.wanted)
    @rule(data=st.data())
    def abandon(self, data: st.DataObject) -> None:
        call = data.draw(st.sampled_from(sorted(self.wanted)))
        self.wanted.remove(call)
        self.waiting = {item for item in self.waiting if item.call != call}
        self.carry_out(self.scheduler.abandon(call))

    @precondition(lambda self: any(self.open.values()))
    @rule(data=st.data(), took=st.floats(1e-5, 2.0))
    def score(self, data: st.DataObject, took: float) -> None:
        worker = self.busy(data)
        order = data.draw(st.permutations(self.open[worker])) if self.concurrent else self.open[worker]
        self.answer(worker, list(order[: data.draw(st.integers(1, len(order)))]), took)

    def answer(self, worker: int, items: list[Item], took: float = 0.01) -> None:
        self.now += took
        for item in items:
            self.open[worker].remove(item)
            self.end(item)
        self.touched[worker] = self.now
        self.carry_out(self.scheduler.scored(worker, items, self.now))

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        """A worker ends: of itself, from outside, or as it was told to."""
        worker = data.draw(st.sampled_from(sorted(self.open)))
        had = [item for item in self.open.pop(worker) if item.call in self.wanted]
        first = self.told_to_end.pop(worker, None)
        late = first is not None and first in had
        accused = had if first is None or late else []
        accused = accused if self.concurrent else accused[:1]
        self.waiting |= set(had)
        decisions = self.scheduler.lost(worker, self.now)
        failed = {d.item: d.why for d in decisions if isinstance(d, Fail)}
        if late and len(accused) == 1:
            assert failed == {first: "late"}
        else:
            self.deaths.update(accused)
            assert failed == {item: "died" for item in accused if self.deaths[item] == 3}
        self.carry_out(decisions)

    @rule(passed=st.floats(0.001, 3.0), runnable=st.booleans())
    def time_passes(self, passed: float, runnable: bool) -> None:
        self.now += passed
        uses = {n: CpuUse(0.0, runnable) for n in self.scheduler.to_measure(self.now)}
        decisions = self.scheduler.end_late(self.now, uses)
        limit_s = TIMEOUT_S + GRACE_S if self.concurrent else TIMEOUT_S
        silent = {n: self.now - self.touched[n] for n, items in self.open.items() if items}
        for decision in decisions:
            assert silent[decision.worker] > limit_s
        overdue = {n for n, silence in silent.items() if silence > 4 * limit_s} - set(self.told_to_end)
        assert overdue <= {decision.worker for decision in decisions}
        self.carry_out(decisions)

    @rule()
    def scale(self) -> None:
        scale = self.scheduler.scale(self.now)
        for worker in scale.retire:
            assert not self.open.pop(worker)
            self.told_to_end.pop(worker, None)
        for _ in range(scale.start):
            self.numbers += 1
            self.open[self.numbers] = []
            self.touched[self.numbers] = self.now
            self.carry_out(self.scheduler.started(self.numbers, self.now))
        assert MINIMUM <= len(self.open) <= MAXIMUM

    # What is decided.

    def carry_out(self, decisions: list[Decision]) -> None:
        for decision in decisions:
            match decision:
                case Send(worker, items):
                    assert worker not in self.told_to_end
                    assert not any(self.deaths[item] for item in self.open[worker]), "tried alone"
                    assert set(items) <= self.waiting, "each waits, is wanted and has not ended"
                    assert len(set(items)) == len(items)
                    self.waiting -= set(items)
                    if not self.open[worker]:
                        self.touched[worker] = self.now
                    suspects = [item for item in items if self.deaths[item]]
                    assert not suspects or (len(items) == 1 and not self.open[worker])
                    self.open[worker] += items
                case End(worker):
                    assert worker not in self.told_to_end
                    live = [item for item in self.open[worker] if item.call not in self.wanted]
                    self.told_to_end[worker] = (live or self.open[worker])[0]
                case Fail(item, _):
                    self.waiting.remove(item)
                    self.end(item)

    def end(self, item: Item) -> None:
        assert item not in self.ended
        self.ended.add(item)
        rest = {other for items in self.open.values() for other in items} | self.waiting
        if not any(other.call == item.call for other in rest):
            self.wanted.discard(item.call)

    def busy(self, data: st.DataObject) -> int:
        return data.draw(st.sampled_from([worker for worker, items in self.open.items() if items]))

    # What holds at any time.

    @invariant()
    def counts_agree(self) -> None:
        if hasattr(self, "scheduler"):
            status = self.scheduler.status()
            assert status.calls == len(self.wanted)
            assert status.waiting == len(self.waiting)
            assert status.in_work == sum(map(len, self.open.values()))

    @invariant()
    def nobody_is_idle_while_something_waits(self) -> None:
        if self.waiting:
            assert all(items for worker, items in self.open.items() if worker not in self.told_to_end)

    def teardown(self) -> None:
        """Whatever came before, with workers that work every item of a wanted call ends."""
        if not hasattr(self, "scheduler"):
            return
        wanted = set(self.wanted)
        for worker in list(self.told_to_end):
            self.die_as_told(worker)
        while any(self.open.values()) or self.waiting:
            self.scale()
            for worker in [w for w, items in self.open.items() if items]:
                self.answer(worker, list(self.open[worker]))
        assert not self.wanted & wanted
        assert self.scheduler.status().waiting == 0

    def die_as_told(self, worker: int) -> None:
        self.waiting |= {item for item in self.open.pop(worker) if item.call in self.wanted}
        del self.told_to_end[worker]
        self.carry_out(self.scheduler.lost(worker, self.now))


class JudgeWorld(World):
    """The same with workers that are at many samples at once."""

    concurrent = True


TestScheduler = World.TestCase
TestSchedulerOfJudges = JudgeWorld.TestCase
TestScheduler.settings = TestSchedulerOfJudges.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None
)
