"""Dynamic dispatch: full batches, oldest first, and each sample used once."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from psyche_rl.fleet.dispatcher import Dispatcher, Lost, SampleSend, SampleWork


def dispatcher(cap, *slots):
    made = Dispatcher(cap)
    made.serving(slots)
    return made


def slots_of(sends):
    return [send.slot for send in sends]


def test_the_least_loaded_is_next_and_the_lowest_id_of_equals():
    work = dispatcher(2, 3, 1, 2)
    work.submit("a", 5)
    assert slots_of(work.assign()) == [1, 2, 3, 1, 2]
    assert (work.running, work.queued, work.free) == (5, 0, 1)
    work.submit("b", 3)
    assert work.free == -2
    (send,) = work.assign()
    assert send == SampleSend(3, SampleWork(1, "b", 0))
    assert work.assign() == []
    assert (work.load(1), work.load(3), work.load(9), work.queued) == (2, 2, 0, 2)
    assert work.completed(2, SampleWork(0, "a", 1))
    assert slots_of(work.assign()) == [2]


def test_a_group_is_completed_from_what_survived():
    work = dispatcher(2, 0, 1)
    work.submit("a", 4)
    sends = work.assign()
    kept = [send for send in sends if send.slot == 0]
    assert work.completed(0, kept[0].work)
    work.submit("b", 1)
    assert work.lost(1) == Lost(again=2, hopeless=())
    assert (work.queued, work.running, work.free) == (3, 1, -2)
    again = work.assign()
    assert [(send.slot, send.work.group) for send in again] == [(0, "a")]  # before the younger group
    assert work.completed(0, again[0].work)
    assert work.completed(0, kept[1].work)
    assert work.duplicates == 0


def test_late_duplicates_are_counted_and_not_used():
    work = dispatcher(4, 0, 1)
    work.submit("a", 2)
    first, second = work.assign()
    work.lost(first.slot)
    assert not work.completed(first.slot, first.work)  # it was queued again
    work.serving([1])
    (again,) = work.assign()
    assert again == SampleSend(1, first.work)
    assert not work.completed(first.slot, first.work)
    assert work.completed(1, first.work)
    assert not work.completed(1, first.work)
    assert work.completed(1, second.work)
    assert not work.completed(1, second.work)
    assert work.duplicates == 4


def test_a_worker_that_takes_no_work_keeps_what_it_has():
    work = dispatcher(2, 0, 1)
    work.submit("a", 2)
    work.assign()
    work.serving([1])
    work.submit("b", 2)
    assert (work.free, slots_of(work.assign())) == (-1, [1])
    assert work.completed(0, SampleWork(0, "a", 0))
    assert work.assign() == []
    work.serving([0, 1])
    assert slots_of(work.assign()) == [0]


def test_a_worker_that_is_given_work_back_is_ranked_by_all_that_it_has():
    work = dispatcher(3, 0)
    work.submit("a", 2)
    work.assign()
    work.serving([1])
    work.serving([0, 1])
    work.submit("b", 3)
    assert slots_of(work.assign()) == [1, 1, 0]


def test_a_group_that_nobody_wants_is_aborted_where_it_runs():
    work = dispatcher(1, 0, 1)
    work.submit("a", 3)
    work.submit("b", 1)
    work.assign()
    assert work.forget("a") == [SampleSend(0, SampleWork(0, "a", 0)), SampleSend(1, SampleWork(0, "a", 1))]
    assert (work.running, work.queued) == (0, 1)
    assert work.forget("a") == []
    assert [send.work.group for send in work.assign()] == ["b"]
    assert not work.completed(0, SampleWork(0, "a", 0))
    assert work.duplicates == 1


def test_a_name_that_comes_again_is_another_group():
    work = dispatcher(1, 0)
    work.submit("a", 2)
    work.assign()
    work.forget("a")
    work.submit("a", 1)
    assert work.assign() == [SampleSend(0, SampleWork(1, "a", 0))]
    assert not work.completed(0, SampleWork(0, "a", 0))
    assert work.completed(0, SampleWork(1, "a", 0))


def test_a_group_is_under_way_once():
    work = dispatcher(1, 0)
    work.submit("a", 1)
    with pytest.raises(ValueError, match="group a is under way already"):
        work.submit("a", 1)
    work.assign()
    work.completed(0, SampleWork(0, "a", 0))
    work.submit("a", 1)


def test_a_worker_takes_one_sample_at_least():
    with pytest.raises(ValueError, match="cap=0"):
        Dispatcher(0)


def test_losing_one_that_was_never_there_loses_nothing():
    assert dispatcher(1, 0).lost(5) == Lost(0, ())


def test_a_sample_at_which_workers_keep_dying_makes_its_group_hopeless():
    work = dispatcher(1, 0)
    work.submit("young", 1)
    work.submit("younger", 1)
    for slot in range(4):
        work.serving([slot])
        work.assign()
        assert work.lost(slot) == Lost(1, ())
    work.serving([4, 5])
    work.assign()
    assert work.lost(5) == Lost(1, ())  # the younger group's first
    assert work.lost(4) == Lost(1, ("young",))
    assert work.forget("young") == []
    work.serving([6])
    assert [send.work.group for send in work.assign()] == ["younger"]


def test_hopeless_groups_are_named_once_and_the_oldest_first():
    work = dispatcher(4, 0)
    work.submit("b", 2)
    work.submit("a", 2)
    for slot in range(5):
        work.serving([slot])
        work.assign()
        lost = work.lost(slot)
    assert lost == Lost(4, ("b", "a"))


def test_the_ranking_does_not_grow_with_the_run():
    work = dispatcher(4, 0, 1, 2)
    for group in range(500):
        work.submit(str(group), 3)
        for send in work.assign():
            work.completed(send.slot, send.work)
    assert len(work._ranked) < 50


@given(st.integers(0, 2**32), st.integers(1, 4), st.integers(1, 4))
def test_every_sample_is_used_once_whatever_happens_to_the_workers(seed, cap, samples):
    draw, work = random.Random(seed), Dispatcher(cap)
    slots, ids, alive, late = [0], 1, [], []
    work.serving(slots)
    used, wanted = Counter(), set()
    for group in range(8):
        work.submit(str(group), samples)
        wanted |= {(str(group), index) for index in range(samples)}
    for _ in range(400):
        event = draw.choice(["assign", "complete", "complete", "lose", "join", "pause", "late"])
        if event == "assign":
            free, queued = work.free, work.queued
            alive += (sends := work.assign())
            assert len(sends) == min(queued, free + queued)
        elif event == "complete" and alive:
            send = alive.pop(draw.randrange(len(alive)))
            used[send.work.group, send.work.index] += work.completed(send.slot, send.work)
        elif event == "lose" and slots:
            slot = slots.pop(draw.randrange(len(slots)))
            gone = [send for send in alive if send.slot == slot]
            alive = [send for send in alive if send.slot != slot]
            late += gone
            assert work.lost(slot).again == len(gone)
        elif event == "join" and len(slots) < 4:
            slots.append(ids)
            ids += 1
            work.serving(slots)
        elif event == "pause" and slots:
            work.serving(slots[1:])
            work.serving(slots)
        elif event == "late" and late:
            send = late.pop()
            assert not work.completed(send.slot, send.work)
        assert work.running == len(alive)
        assert all(work.load(slot) <= cap for slot in slots)
    work.serving([99])
    for slot in slots:
        work.lost(slot)
    while sends := work.assign():
        for send in sends:
            used[send.work.group, send.work.index] += work.completed(send.slot, send.work)
    assert used == Counter(dict.fromkeys(wanted, 1))
