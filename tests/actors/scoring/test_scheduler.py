"""The scoring scheduler under a fake clock: what it decides after each event, by hand."""

from __future__ import annotations

from actors.scoring.call_queue import Item
from actors.scoring.decisions import End, Fail, Scale, Send
from actors.scoring.scaling import QUIET_S, ScalingPolicy
from actors.scoring.scheduler import CHUNK, CONCURRENT, Scheduler
from actors.scoring.worker_load import CpuUse

ASLEEP = CpuUse(0.0, runnable=False)


def scheduler(workers: int = 1, most: int = 8, timeout_s: float = 1.0, concurrent: bool = False) -> Scheduler:
    """With its first workers started at time 0 and numbered from 1."""
    made = Scheduler(ScalingPolicy(workers, most), timeout_s, concurrent, cores=16)
    assert made.scale(0.0) == Scale(workers, ())
    for number in range(1, workers + 1):
        assert made.started(number, 0.0) == []
    return made


def items(call: int, *places: int) -> tuple[Item, ...]:
    return tuple(Item(call, place) for place in places)


def test_one_sample_at_first_and_a_chunk_ahead_when_they_are_known_to_be_quick():
    made = scheduler()
    assert made.admit(7, 40, 0.0) == [Send(1, items(7, 0))]
    assert made.scored(1, items(7, 0), 0.0001) == [Send(1, items(7, *range(1, 1 + CHUNK)))]
    assert made.scored(1, items(7, *range(1, 8)), 0.0008) == []  # more than half is still there
    assert made.scored(1, items(7, 8), 0.0009) == [Send(1, items(7, *range(17, 25)))]


def test_slow_samples_are_handed_out_one_by_one():
    made = scheduler()
    made.admit(7, 3, 0.0)
    assert made.scored(1, items(7, 0), 0.5) == [Send(1, items(7, 1))]


def test_an_item_is_tried_three_times_and_then_fails():
    made = scheduler()
    assert made.admit(1, 1, 0.0) == [Send(1, items(1, 0))]
    for worker in (1, 2):
        assert made.lost(worker, worker) == []
        assert made.started(worker + 1, worker) == [Send(worker + 1, items(1, 0))]
    assert made.lost(3, 3.0) == [Fail(Item(1, 0), "died")]
    status = made.status()
    assert (status.deaths, status.calls, status.waiting, status.in_work) == (3, 0, 0, 0)


def test_a_suspect_is_tried_alone_and_before_the_rest():
    made = scheduler()
    made.admit(1, 10, 0.0)
    sent = made.scored(1, items(1, 0), 0.0001)
    assert sent == [Send(1, items(1, *range(1, 10)))]
    assert made.lost(1, 0.1) == []
    assert made.started(2, 0.2) == [Send(2, items(1, 1))]
    assert made.admit(2, 1, 0.2) == []
    assert made.scored(2, items(1, 1), 0.3) == [Send(2, items(1, 2))]


def test_a_late_item_costs_itself_and_the_others_go_back():
    made = scheduler(workers=2)
    made.admit(1, 1, 0.0)
    made.scored(1, items(1, 0), 0.0001)
    made.admit(2, 4, 1.0)
    assert made.end_late(2.0, {1: ASLEEP}) == []
    assert made.end_late(2.1, {1: ASLEEP}) == [End(1)]
    assert made.end_late(2.2, {1: ASLEEP}) == []  # once
    assert made.lost(1, 2.3) == [Fail(Item(2, 0), "late"), Send(2, items(2, 1, 2, 3))]
    assert (made.status().timeouts, made.status().deaths) == (1, 0)


def test_a_score_that_was_on_its_way_when_its_worker_was_ended_counts():
    made = scheduler()
    made.admit(1, 2, 0.0)
    assert made.end_late(1.1, {}) == [End(1)]
    assert made.scored(1, items(1, 0), 1.2) == []  # and it gets nothing more
    assert made.lost(1, 1.3) == []
    assert made.started(2, 1.4) == [Send(2, items(1, 1))]
    assert (made.status().timeouts, made.status().deaths, made.status().scored) == (0, 0, 1)


def test_a_call_that_is_abandoned_frees_its_workers_and_blames_nobody():
    made = scheduler(workers=2)
    made.admit(1, 30, 0.0)
    made.admit(2, 3, 0.0)
    assert made.abandon(1) == [End(1), End(2)]
    assert made.status().waiting == 3
    assert made.lost(1, 0.1) == []
    assert made.started(3, 0.2) == [Send(3, items(2, 0))]
    assert (made.status().timeouts, made.status().deaths) == (0, 0)


def test_an_item_behind_one_that_nobody_waits_for_is_not_blamed_when_their_worker_dies():
    made = scheduler()
    made.admit(1, 1, 0.0)
    made.scored(1, items(1, 0), 0.0001)
    made.admit(2, 1, 0.0)
    made.abandon_all()
    assert made.admit(3, 1, 0.0) == [Send(1, items(3, 0))]
    assert made.lost(1, 1.0) == []
    for worker in (2, 3):
        assert made.started(worker, worker) == [Send(worker, items(3, 0))]
        assert made.lost(worker, worker) == []
    made.started(4, 4.0)
    assert made.lost(4, 5.0) == [Fail(Item(3, 0), "died")]


def test_a_worker_of_coroutines_has_many_samples_and_when_it_ends_each_is_tried_alone():
    made = scheduler(workers=1, concurrent=True)
    assert made.admit(1, 100, 0.0) == [Send(1, items(1, *range(CONCURRENT)))]
    assert made.scored(1, items(1, *range(0, 64, 2)), 0.5) == [Send(1, items(1, *range(64, 96)))]
    assert made.end_late(3.4, {1: ASLEEP}) == []
    assert made.end_late(3.6, {1: ASLEEP}) == [End(1)]
    assert made.lost(1, 3.7) == []
    assert made.status().waiting == 100 - 32
    assert made.started(2, 3.8) == [Send(2, items(1, 1))]
    assert made.end_late(6.9, {2: ASLEEP}) == [End(2)]
    assert made.lost(2, 7.0) == [Fail(Item(1, 1), "late")]


def test_workers_that_hang_are_replaced_at_once_and_surplus_ones_go_when_it_is_quiet():
    made = scheduler(workers=2, most=3)
    made.admit(1, 5, 0.0)
    assert made.scale(0.05) == Scale(0, ())
    assert made.scale(0.2) == Scale(1, ())
    made.started(3, 0.2)
    assert made.scale(0.3) == Scale(0, ())
    for worker in (1, 2, 3):
        made.scored(worker, items(1, worker - 1), 0.4)
    made.scored(1, items(1, 3), 0.5)
    made.scored(2, items(1, 4), 0.5)
    assert not made.idle
    assert made.scale(0.3 + QUIET_S - 0.1) == Scale(0, ())
    assert made.scale(0.3 + QUIET_S) == Scale(0, (1,))
    assert made.idle


def test_a_worker_that_was_late_is_replaced_before_the_next_one_hangs():
    made = scheduler(workers=2, most=3)
    made.admit(1, 5, 0.0)
    assert made.scale(0.2) == Scale(1, ())
    made.started(3, 0.2)
    assert made.end_late(1.1, {}) == [End(1), End(2)]
    assert made.lost(1, 1.1) == [Fail(Item(1, 0), "late")]
    made.scored(2, items(1, 1), 1.1)
    made.scored(3, items(1, 2), 1.1)
    assert made.scale(1.15) == Scale(1, ())
