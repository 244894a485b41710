"""Every sample is used once and every group is whole or given up, whoever dies when."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psyche_rl.ledger.ledger import Ledger
from psyche_rl.records import GenerationRequest, Sample
from psyche_rl.rollout.orders import Orders
from psyche_rl.rollout.streaming import Delivery, GroupGivenUpError
from psyche_rl.store import RunStore


class Told:
    """Stands where the ledger stands, and counts what it is told."""

    def __init__(self) -> None:
        self.generated_ids: Counter[str] = Counter()
        self.lost_ids: Counter[str] = Counter()
        self.attempts: dict[str, int] = {}

    def generated(self, samples, worker, attempt):
        for sample in samples:
            self.generated_ids[sample.id] += 1
            self.attempts[sample.id] = attempt

    def lost(self, group, lengths, worker):
        self.lost_ids.update(list(lengths))


def request(name: str, n: int = 3) -> GenerationRequest:
    return GenerationRequest(id=name, prompt_ids=(1,), n=n, max_tokens=4)


def answer(order, tokens=2) -> tuple[int, Sample]:
    made = Sample(
        id=f"{order.request.id}/{order.index}", request_id=order.request.id, index=order.index,
        prompt_ids=(1,), response_ids=(7,) * tokens, logprobs=(0.0,) * tokens, weight_versions=(0,) * tokens,
        finish_reason="stop",
    )  # fmt: skip
    return order.key, made


class Workers:
    """What each worker has been sent, and how much it handed out."""

    def __init__(self, orders: Orders) -> None:
        self.orders = orders
        self.serving = (0, 1)
        self.has: dict[int, list] = {}
        self.handed: Counter[int] = Counter()

    def dispatch(self):
        for slot, new in self.orders.assign(self.serving).items():
            self.has.setdefault(slot, []).extend(new)

    def finish(self, slot, count=1):
        done, self.has[slot] = self.has[slot][:count], self.has[slot][count:]
        self.handed[slot] += len(done)
        resolved, wrong = self.orders.take(slot, Delivery(tuple(map(answer, done)), 0, self.handed[slot]))
        assert wrong is None
        for resolve in resolved:
            resolve()

    def die(self, slot):
        resolved, aborts = self.orders.lost(slot)
        for other, keys in aborts.items():
            self.has[other] = [order for order in self.has[other] if order.key not in keys]
        for resolve in resolved:
            resolve()
        self.has.pop(slot, None)
        self.serving = (*(s for s in self.serving if s != slot), max((*self.serving, slot)) + 1)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), max_size=80))
def test_each_sample_is_used_once_and_each_group_ends(events):
    told = Told()
    workers = Workers(Orders(4, told))
    groups = [workers.orders.submit(request(f"g{i}"), True) for i in range(6)]
    workers.dispatch()
    for kind, which in events:
        busy = [slot for slot in workers.serving if workers.has.get(slot)]
        if kind == 0:
            workers.die(workers.serving[which % len(workers.serving)])
        elif busy:
            workers.finish(busy[which % len(busy)], 1 + kind % 3)
        workers.dispatch()
    while any(workers.has.values()):
        for slot in [s for s in workers.serving if workers.has.get(s)]:
            workers.finish(slot, 4)
        workers.dispatch()
    whole = 0
    for number, group in enumerate(groups):
        assert group.future.done()
        if group.future.exception() is not None:
            assert isinstance(group.future.exception(), GroupGivenUpError)
            continue
        whole += 1
        ids = [sample.id for sample in group.future.result()]
        assert ids == [f"g{number}/{i}" for i in range(3)]
        for name in ids:
            assert told.generated_ids[name] == 1
            assert told.attempts[name] == told.lost_ids[name] + 1
    assert max(told.generated_ids.values(), default=0) <= 1
    assert whole == 6 or told.lost_ids


def test_nobody_is_given_work_where_one_dies_as_the_last_other_leaves():
    orders = Orders(4, Told())
    orders.submit(request("a"), counted=True)
    assert set(orders.assign((0, 1))) == {0, 1}
    orders.lost(1)
    assert orders.assign(()) == {}, "worker 0 has left in the same moment"
    assert orders.dispatcher.free < 0
    assert set(orders.assign((0,))) == {0}


def test_a_delivery_that_is_not_what_was_handed_out_is_told(tmp_path):
    ledger = Ledger(RunStore(str(tmp_path)), "grpo")
    ledger.begin(0)
    orders = Orders(4, ledger)
    orders.submit(request("g0", 2), False)
    ((_, (first, second)),) = orders.assign((0,)).items()
    assert orders.take(0, Delivery((answer(first),), 1, 1))[1] is None
    assert orders.take(0, Delivery((answer(second),), 2, 3))[1] == "3 samples were handed out, 2 came"


def test_what_is_not_counted_is_not_told():
    told = Told()
    workers = Workers(Orders(4, told))
    group = workers.orders.submit(request("dev"), False)
    workers.dispatch()
    workers.die(0)
    workers.dispatch()
    for slot in list(workers.has):
        workers.finish(slot, 4)
    assert len(group.future.result()) == 3
    assert not told.generated_ids
    assert not told.lost_ids


def test_the_groups_that_are_open_are_named_at_the_end():
    orders = Orders(4, Told())
    open_group = orders.submit(request("g0"), True)
    assert list(orders.close()) == [open_group]
    with pytest.raises(ValueError, match="g0 is under way"):
        orders.submit(request("g0"), True)


def test_tokens_are_counted_until_whoever_asked_has_been_told():
    orders = Orders(8, Told())
    for name in ("g0", "g1"):
        orders.submit(request(name, 2), True)
    ((_, sent),) = orders.assign((0,)).items()
    resolved, _ = orders.take(0, Delivery(tuple(map(answer, sent[:3])), 1, 3))
    assert orders.tokens() == {"g0": 4, "g1": 2}
    for resolve in resolved:
        resolve()
    assert orders.tokens() == {"g1": 2}
    hopeless = []
    while not hopeless:  # until the group is given up
        hopeless, _ = orders.lost(0)
        assert orders.tokens() == {"g1": 2}
        orders.assign((0,))
    for resolve in hopeless:
        resolve()
    assert orders.tokens() == {}
