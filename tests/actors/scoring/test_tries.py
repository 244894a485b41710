"""How often an item is tried, and that nothing is remembered of calls that have ended."""

from __future__ import annotations

from actors.scoring.call_queue import Item
from actors.scoring.tries import Tries

ITEM = Item(1, 0)


def tries(count: int = 2) -> Tries:
    made = Tries()
    made.add(1, count)
    return made


def test_a_call_is_wanted_until_its_last_item_has_ended():
    made = tries()
    made.end(ITEM)
    assert made.wanted(Item(1, 1))
    made.end(Item(1, 1))
    assert not made.wanted(Item(1, 1))
    assert made.calls() == []
    made.add(2, 0)
    assert made.calls() == []


def test_an_item_is_a_suspect_twice_and_then_given_up():
    made = tries()
    assert [made.accuse(ITEM) for _ in range(3)] == [True, True, False]
    assert [made.next_suspect() for _ in range(3)] == [ITEM, ITEM, None]


def test_of_a_call_that_was_forgotten_nothing_is_left():
    made = tries()
    made.accuse(ITEM)
    made.accuse(ITEM)
    made.forget(1)
    made.end(Item(1, 1))
    assert (made.suspects, made.calls(), made.wanted(ITEM)) == (0, [], False)
    made.add(1, 1)
    assert made.accuse(ITEM)
