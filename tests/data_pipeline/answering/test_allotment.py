"""Who answers what next: no batch lost or doubled, no engine idle while there is work that it may take."""

from __future__ import annotations

import threading
from collections import Counter
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_pipeline.answering.allotment import Allotment
from data_pipeline.answering.selector import QuestionBatch


def selector(label):
    return SimpleNamespace(label=label)


def missing(**batches):
    return [
        (selector(label), [QuestionBatch(f"{label}{n}", ()) for n in range(count)])
        for label, count in batches.items()
    ]


def test_an_engine_keeps_to_its_selector_and_then_helps_the_one_with_most_left():
    allotment = Allotment(missing(a=2, b=3), limit=2)
    first = allotment.next(None)
    assert first[0].label == "b"  # which has most
    second = allotment.next(None)
    assert second[0].label == "a"  # 2 batches for no engine, against 2 for one
    allotment.done(second)
    again = allotment.next(second[0])
    assert again[1].rel == "a1"
    allotment.done(again)
    helping = allotment.next(again[0])
    assert helping[0].label == "b"
    assert {first[1].rel, helping[1].rel} == {"b0", "b1"}


def test_no_selector_has_more_engines_than_its_limit():
    allotment = Allotment(missing(a=5, b=1), limit=1)
    assert [allotment.next(None)[0].label for _ in range(2)] == ["a", "b"]
    idle = []
    waiting = threading.Thread(target=lambda: idle.append(allotment.next(None)), daemon=True)
    waiting.start()
    allotment.stop()
    waiting.join(20)
    assert idle == [None]


def test_a_batch_whose_engine_is_lost_comes_back_first():
    allotment = Allotment(missing(a=2), limit=1)
    work = allotment.next(None)
    allotment.done(work, again=True)
    assert allotment.next(work[0]) == work
    allotment.done(work)
    last = allotment.next(work[0])
    allotment.done(last)
    assert allotment.next(last[0]) is None


def test_who_is_idle_waits_for_what_may_come_back():
    allotment, got = Allotment(missing(a=1), limit=2), []
    work = allotment.next(None)
    waiting = threading.Thread(target=lambda: got.append(allotment.next(None)), daemon=True)
    waiting.start()
    allotment.done(work, again=True)
    waiting.join(20)
    assert got == [work]


def test_nothing_is_given_out_once_it_is_stopped():
    allotment = Allotment(missing(a=2), limit=1)
    work = allotment.next(None)
    allotment.stop()
    assert allotment.next(work[0]) is None
    assert allotment.next(None) is None


@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=4),
    st.integers(1, 5),
    st.integers(1, 4),
    st.sets(st.integers(0, 9), max_size=3),
)
def test_every_batch_is_answered_once_whatever_is_lost(sizes, engines, limit, losses):
    allotment = Allotment(missing(**{f"s{n}": size for n, size in enumerate(sizes)}), limit)
    answered: list[str] = []
    tries = iter(range(10**6))
    lock = threading.Lock()

    def serve():
        serving = None
        while (work := allotment.next(serving)) is not None:
            serving = work[0]
            with lock:
                lost = next(tries) in losses
                answered.extend([] if lost else [work[1].rel])
            allotment.done(work, again=lost)

    threads = [threading.Thread(target=serve, daemon=True) for _ in range(engines)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    assert set(Counter(answered).values()) <= {1}
    assert len(answered) == sum(sizes)
    assert {name[:2] for name in answered} == {f"s{n}" for n in range(len(sizes))}


@pytest.mark.parametrize(("engines", "batches"), [(1, 4), (3, 6), (8, 8)])
def test_as_many_calls_are_under_way_as_there_are_engines(engines, batches):
    """Each engine waits within its first batch until all have one: together or never."""
    allotment = Allotment(missing(a=batches, b=batches), limit=engines)
    together = threading.Barrier(engines, timeout=20)
    met = []

    def serve():
        work, first = allotment.next(None), True
        while work is not None:
            if first:
                met.append(together.wait())
            first = False
            allotment.done(work)
            work = allotment.next(work[0])

    threads = [threading.Thread(target=serve, daemon=True) for _ in range(engines)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(met) == list(range(engines))
