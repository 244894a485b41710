"""Calls take turns, and no item is lost or doubled on its way through the queue."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from actors.scoring.call_queue import CallQueue, Item

sizes = st.lists(st.integers(1, 20), min_size=1, max_size=6)
rooms = st.lists(st.integers(1, 7), max_size=80)


def queue_of(counts: list[int]) -> CallQueue:
    queue = CallQueue()
    for call, count in enumerate(counts):
        queue.add(call, count)
    return queue


@given(sizes, rooms)
def test_between_two_turns_of_a_call_every_other_that_waits_has_one(counts, asked):
    queue = queue_of(counts)
    left = Counter(dict(enumerate(counts)))
    since: dict[int, set[int]] = {}
    for room in asked:
        items = queue.take(room)
        if not items:
            break
        [call] = {item.call for item in items}
        waiting = {other for other, count in left.items() if count and other != call}
        assert call not in since or waiting <= since[call]
        for served in since.values():
            served.add(call)
        since[call] = set()
        left[call] -= len(items)
    assert len(queue) == left.total()


@given(sizes, rooms)
def test_a_call_s_items_leave_in_order_and_fill_the_room_there_is(counts, asked):
    queue = queue_of(counts)
    places = Counter[int]()
    for room in asked:
        items = queue.take(room)
        for item in items:
            assert item.place == places[item.call]
            places[item.call] += 1
        if items:
            assert len(items) == room or places[items[0].call] == counts[items[0].call]


@given(sizes, st.integers(1, 7))
def test_what_is_put_back_leaves_next_in_the_same_order(counts, room):
    queue = queue_of(counts)
    before = len(queue)
    items = queue.take(room)
    queue.put_back(items)
    assert len(queue) == before
    again: list[Item] = []
    while len(again) < len(items):
        again += [item for item in queue.take(room) if item.call == items[0].call]
    assert tuple(again[: len(items)]) == items


def test_a_call_that_had_nothing_left_gets_the_next_turn_for_what_is_put_back():
    queue = queue_of([1, 4])
    items = queue.take(5)
    queue.put_back(items)
    assert queue.take(5) == items


def test_a_call_that_is_dropped_has_no_turn():
    queue = queue_of([3, 3])
    queue.drop(0)
    queue.drop(0)
    assert (len(queue), queue.take(9)) == (3, (Item(1, 0), Item(1, 1), Item(1, 2)))
    assert queue.take(9) == ()
