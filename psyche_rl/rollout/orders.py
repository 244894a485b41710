"""The samples that a stream has been asked for, from the order to the whole group.

Role: knows of each order which worker has it, completes groups from what comes, and gives lost work out
again.
Collaborators: ``fleet.dispatcher`` (who gets what), the ledger (told of every sample by the worker that made
it), the stream in ``actors`` (which sends orders and calls in under its lock).
Invariants:
- Each sample is used once, and a group is completed from what survived.
- Futures are resolved by the caller, outside its lock: what hangs on them may call back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from itertools import count

from psyche_rl.fleet.dispatcher import Dispatcher, SampleWork
from psyche_rl.ledger.ledger import Ledger
from psyche_rl.records import GenerationRequest
from psyche_rl.rollout.streaming import Delivery, GroupGivenUpError, SampleOrder, UnfinishedGroup

Resolved = list[Callable[[], None]]
"""What to do to futures once the lock is free."""
Aborts = dict[int, list[int]]
"""Keys of orders that nobody wants any more, by worker."""


class Orders:
    """Nothing asked for. ``cap``: samples that a worker may have at a time."""

    def __init__(self, cap: int, ledger: Ledger) -> None:
        self.dispatcher = Dispatcher(cap)
        self._ledger = ledger
        self._groups: dict[str, UnfinishedGroup] = {}
        self._leaving: dict[str, UnfinishedGroup] = {}
        """Those whose future is about to be resolved, so that whoever asked has not been told yet."""
        self._given: dict[int, tuple[int, SampleWork, int]] = {}
        """Of each key: the worker, the work, and the attempt."""
        self._keys = count()
        self._serving: tuple[int, ...] | None = None
        """Whom the dispatcher knows to take work; None where it has to be told anew."""
        self._came: defaultdict[int, int] = defaultdict(int)

    def submit(self, request: GenerationRequest, counted: bool) -> UnfinishedGroup:
        """A group to generate; ``counted``: the ledger is told of its samples."""
        group = self._groups[request.id] = UnfinishedGroup(request, counted)
        self.dispatcher.submit(request.id, request.n)
        return group

    def assign(self, serving: tuple[int, ...]) -> dict[int, list[SampleOrder]]:
        """Give out as much as the workers that take work may have; returns the new orders by worker."""
        if serving != self._serving:
            self._serving = serving
            self.dispatcher.serving(serving)
        by_slot: dict[int, list[SampleOrder]] = {}
        for send in self.dispatcher.assign():
            group = self._groups[send.work.group]
            group.attempts[send.work.index] += 1
            key, attempt = next(self._keys), group.attempts[send.work.index]
            self._given[key] = send.slot, send.work, attempt
            order = SampleOrder(key, group.request, send.work.index, attempt)
            by_slot.setdefault(send.slot, []).append(order)
        return by_slot

    def take(self, slot: int, delivery: Delivery) -> tuple[Resolved, str | None]:
        """What a worker handed out; returns the futures of whole groups, and what is wrong with its count."""
        resolved: Resolved = []
        for key, sample in delivery.samples:
            given = self._given.pop(key, None)
            if given is None or not self.dispatcher.completed(slot, given[1]):
                continue  # nobody wants it any more
            _, work, attempt = given
            group = self._groups[work.group]
            group.samples[work.index] = sample
            if group.counted:
                self._ledger.generated([sample], str(slot), attempt)
            if len(group.samples) == group.request.n:
                samples = tuple(group.samples[i] for i in range(group.request.n))
                resolved.append(self._leave(work.group, partial(group.future.set_result, samples)))
        self._came[slot] += len(delivery.samples)
        if self._came[slot] == delivery.handed_out:
            return resolved, None
        return resolved, f"{delivery.handed_out} samples were handed out, {self._came[slot]} came"

    def lost(self, slot: int) -> tuple[Resolved, Aborts]:
        """A worker is gone; what it had is given out again, but for groups at which workers keep dying."""
        for key in [key for key, given in self._given.items() if given[0] == slot]:
            _, work, _ = self._given.pop(key)
            if work.group in self._groups and self._groups[work.group].counted:
                self._ledger.lost(work.group, {f"{work.group}/{work.index}": 0}, str(slot))
        hopeless = self.dispatcher.lost(slot).hopeless
        self._serving = None  # the dispatcher has closed it by itself
        aborts: Aborts = {}
        resolved = [self._give_up(name, aborts) for name in hopeless]
        return resolved, aborts

    def tokens(self) -> dict[str, int]:
        """Response tokens that there are of each group whose future is open."""
        # A copy first: those that leave are told of outside the lock.
        groups = self._leaving.copy() | self._groups
        return {
            name: sum(len(sample.response_ids) for sample in group.samples.values())
            for name, group in groups.items()
        }

    def close(self) -> Iterable[UnfinishedGroup]:
        """No more of anything; returns the groups that are open."""
        groups, self._groups = list(self._groups.values()), {}
        return groups

    def _give_up(self, name: str, aborts: Aborts) -> Callable[[], None]:
        group = self._groups[name]
        self.dispatcher.forget(name)
        for key in [key for key, (_, work, _) in self._given.items() if work.group == name]:
            slot, _, _ = self._given.pop(key)
            aborts.setdefault(slot, []).append(key)
        error = GroupGivenUpError(name, {s.id: len(s.response_ids) for s in group.samples.values()})
        return self._leave(name, partial(group.future.set_exception, error))

    def _leave(self, name: str, resolve: Callable[[], None]) -> Callable[[], None]:
        self._leaving[name] = self._groups.pop(name)

        def told() -> None:
            resolve()
            del self._leaving[name]

        return told
