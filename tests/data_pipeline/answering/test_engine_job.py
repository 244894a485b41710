"""Selectors' batches on pretended engines: in every place at once, and again where one is lost."""

from __future__ import annotations

import threading
from collections import Counter
from types import SimpleNamespace

import pytest

from actors.placement.place import Place
from data_pipeline.answering import engine_job
from data_pipeline.answering.engine_job import answer_missing
from data_pipeline.answering.selector import QuestionBatch
from psyche_rl.errors import ModelError, RemoteWaitError, WeightSyncError


class Engines:
    """In place of actors and waits: what each call does is ``work(place, selector, rel)``."""

    def __init__(self, monkeypatch, work) -> None:
        self.started: list[tuple[int, str]] = []
        self.ended = 0
        monkeypatch.setattr(engine_job, "start_selector", self._start)
        monkeypatch.setattr(engine_job, "wait", lambda call, waiting: work(*call))
        monkeypatch.setattr(engine_job.ray, "kill", self._kill)

    def _start(self, selector, store, place):
        self.started.append((place.bundle, selector.label))
        return SimpleNamespace(
            answer=SimpleNamespace(remote=lambda table, rel: (place.bundle, selector.label, rel))
        )

    def _kill(self, actor):
        self.ended += 1


def missing(**batches):
    return [
        (SimpleNamespace(label=label), [QuestionBatch(f"{label}{n}", ()) for n in range(count)])
        for label, count in batches.items()
    ]


def places(count):
    return [Place(1.0, "group", number) for number in range(count)]


def test_all_places_answer_at_once_and_every_batch_is_told_once(monkeypatch):
    together, told = threading.Barrier(4, timeout=20), Counter()
    first = threading.local()

    def work(place, label, rel):
        if not getattr(first, "over", False):
            first.over = True
            together.wait()  # all four are under way, or the test fails

    engines = Engines(monkeypatch, work)
    answer_missing(missing(a=5, b=4), places(4), 4, None, lambda selector, _: told.update([selector.label]))
    assert told == {"a": 5, "b": 4}
    assert {place for place, _ in engines.started} == {0, 1, 2, 3}
    assert engines.ended == len(engines.started)


def test_a_lost_engine_is_replaced_and_its_batch_answered_again(monkeypatch):
    losses, answered = iter([True, False, True]), []

    def work(place, label, rel):
        if next(losses, False):
            raise RemoteWaitError("selector a", "select", None, "died")
        answered.append(rel)

    engines = Engines(monkeypatch, work)
    answer_missing(missing(a=3), places(1), 1, None, lambda *_: None)
    assert answered == ["a0", "a1", "a2"]
    assert len(engines.started) == 3


def test_engines_that_keep_dying_end_the_stage_by_their_name(monkeypatch):
    def work(place, label, rel):
        raise RemoteWaitError(f"selector {label}", "select", None, "died")

    engines = Engines(monkeypatch, work)
    with pytest.raises(RemoteWaitError, match="selector a in phase 'select'"):
        answer_missing(missing(a=1), places(1), 1, None, lambda *_: None)
    assert len(engines.started) == engine_job.LOSSES


def test_a_model_that_cannot_be_served_is_told_and_ends_the_others(monkeypatch):
    def work(place, label, rel):
        raise WeightSyncError("no such weights")

    Engines(monkeypatch, work)
    with pytest.raises(ModelError, match=r"selector [ab]: no such weights"):
        answer_missing(missing(a=3, b=3), places(2), 1, None, lambda *_: None)
