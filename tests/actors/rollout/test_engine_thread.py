"""The thread around an engine, with an engine that only counts: order, updates between steps, faults."""

from __future__ import annotations

import itertools
import threading

import pytest

from actors.rollout.engine_thread import EngineThread
from psyche_rl.records import GenerationRequest, Sample
from psyche_rl.rollout.streaming import SampleOrder


class CountingEngine:
    """A sample of ``max_tokens`` tokens takes as many steps; a gate lets the steps through."""

    def __init__(self) -> None:
        self.made_in = threading.get_ident()
        self.running: dict[str, tuple[GenerationRequest, int, int]] = {}
        self.log: list[str] = []
        self.gate = threading.Semaphore(0)
        self.fault: Exception | None = None
        self.names = iter(range(1000))
        self.stale = False

    def add(self, request, index):
        assert threading.get_ident() == self.made_in
        name = str(next(self.names))
        self.running[name] = (request, index, 0)
        self.log.append(f"add {request.id}/{index}")
        return name

    def step(self):
        assert threading.get_ident() == self.made_in
        self.gate.acquire()
        if self.fault:
            raise self.fault
        self.log.append("step")
        self.stale = False
        self.running = {name: (r, i, tokens + 1) for name, (r, i, tokens) in self.running.items()}
        done = [name for name, (r, _, tokens) in self.running.items() if tokens == r.max_tokens]
        return {name: self.sample(*self.running.pop(name)) for name in done}

    def sample(self, request, index, tokens):
        return Sample(
            id=f"{request.id}/{index}", request_id=request.id, index=index, prompt_ids=(1,),
            response_ids=(7,) * tokens, logprobs=(0.0,) * tokens, weight_versions=(0,) * tokens,
            finish_reason="length",
        )  # fmt: skip

    def abort(self, names):
        self.log.append("abort")
        for name in names:
            self.running.pop(name, None)

    @property
    def busy(self):
        return bool(self.running)

    @property
    def recomputing(self):
        return self.stale

    def update_weights(self, weights, version):
        self.stale = self.busy
        self.log.append(f"update {version} with {len(self.running)} running")


def order(key, tokens, request="r", index=0):
    return SampleOrder(key, GenerationRequest(id=request, prompt_ids=(1,), max_tokens=tokens), index, 1)


@pytest.fixture
def engine():
    return CountingEngine()


@pytest.fixture
def thread(engine):
    def make():
        engine.made_in = threading.get_ident()
        return engine

    yield EngineThread(make)
    for _ in range(100):  # let it run out of steps
        engine.gate.release()


def collected(thread, count):
    found = []
    while len(found) < count:
        found += thread.collect(5).samples
    return found


def asking(thread, *arguments):
    """A call under way, once it waits for the engine."""
    asked = threading.Thread(target=thread.call, args=arguments)
    asked.start()
    while asked.is_alive() and not thread._calls:
        threading.Event().wait(0.001)
    return asked


def test_samples_leave_as_they_finish_by_the_key_of_their_order(thread, engine):
    thread.submit([order(10, 1, "a"), order(11, 3, "b", 2)])
    for _ in range(3):
        engine.gate.release()
    found = collected(thread, 2)
    assert [(key, sample.id, len(sample.response_ids)) for key, sample in found] == [
        (10, "a/0", 1), (11, "b/2", 3),
    ]  # fmt: skip
    assert thread.collect(0).samples == ()
    assert thread.collect(0).handed_out == 2
    assert thread.collect(0).steps == 3


def test_samples_are_gathered_while_more_are_under_way(thread, engine):
    thread.submit([order(10, 1, "a"), order(11, 2, "b"), order(12, 4, "c")])
    for _ in range(2):
        engine.gate.release()
    assert {key for key, _ in thread.collect(5, linger_s=0.2).samples} == {10, 11}
    for _ in range(2):
        engine.gate.release()
    assert [key for key, _ in thread.collect(5, linger_s=300).samples] == [12]  # nothing is left to wait for
    assert thread.collect(0, linger_s=300).samples == ()


def test_who_lingers_goes_on_where_what_is_left_is_aborted(thread, engine):
    thread.submit([order(10, 1, "a"), order(11, 50, "b")])
    engine.gate.release()
    handed_out = []
    lingering = threading.Thread(target=lambda: handed_out.append(thread.collect(5, linger_s=300)))
    lingering.start()
    while not thread._done:
        threading.Event().wait(0.001)
    abort = threading.Thread(target=thread.abort, args=([11],))
    abort.start()
    while abort.is_alive():  # between two steps
        engine.gate.release()
        abort.join(0.01)
    lingering.join(60)
    assert [key for key, _ in handed_out[0].samples] == [10]


def test_all_of_one_call_are_queued_before_the_next_step(thread, engine):
    thread.submit([order(key, 1, f"r{key}") for key in range(5)])
    engine.gate.release()
    collected(thread, 5)
    assert engine.log == [*(f"add r{key}/0" for key in range(5)), "step"]


def test_an_update_comes_between_steps_or_waits_until_all_is_finished(thread, engine):
    thread.submit([order(1, 3)])
    engine.gate.release()
    soon = asking(thread, lambda e: e.update_weights({}, 1))
    engine.gate.release()
    soon.join()
    idle = asking(thread, lambda e: e.update_weights({}, 2), True)
    engine.gate.release()
    idle.join()
    assert [line for line in engine.log if line.startswith("update")] == [
        "update 1 with 1 running", "update 2 with 0 running",
    ]  # fmt: skip
    assert len(collected(thread, 1)) == 1


def test_what_is_aborted_is_not_handed_out(thread, engine):
    thread.submit([order(1, 2, "a"), order(2, 2, "b")])
    engine.gate.release()
    aborting = threading.Thread(target=thread.abort, args=[[1, 99]])
    aborting.start()
    engine.gate.release()
    aborting.join()
    for _ in range(2):
        engine.gate.release()
    assert [key for key, _ in collected(thread, 1)] in ([2], [1, 2])  # the step may have been under way


def test_what_a_call_raises_is_the_callers_and_the_engine_goes_on(thread, engine):
    def wrong(_):
        raise ValueError("no such weights")

    with pytest.raises(ValueError, match="no such weights"):
        thread.call(wrong)
    thread.submit([order(1, 1)])
    engine.gate.release()
    assert len(collected(thread, 1)) == 1


def test_what_a_step_raises_comes_out_of_every_later_call(thread, engine):
    engine.fault = MemoryError("no room for the KV cache")
    thread.submit([order(1, 1)])
    engine.gate.release()
    with pytest.raises(MemoryError, match="no room"):
        thread.collect(5)
    with pytest.raises(MemoryError, match="no room"):
        thread.call(lambda _: None)


def test_an_engine_that_cannot_be_made_says_why():
    def make():
        raise ValueError("not a model")

    with pytest.raises(ValueError, match="not a model"):
        EngineThread(make).call(lambda _: None)


def test_its_lane_says_what_it_did_in_order(engine, thread):
    thread.submit([order(0, tokens=3)])
    engine.gate.release()
    thread.call(lambda e: e.update_weights({}, 1), lane="sync")
    for _ in range(10):
        engine.gate.release()
    told = list(thread.collect(10).lane)
    thread.call(lambda e: None)  # by now it is idle, or goes on without having been
    thread.call(lambda e: e.update_weights({}, 2), lane="sync")
    thread.submit([order(1, tokens=1)])
    thread.collect(10)
    told += thread.lane.take()
    assert all(one.ended == two.begun for one, two in itertools.pairwise(told))
    states = [stretch.state for stretch in told if stretch.state != "idle"]
    assert states[:5] == ["load", "generate", "sync", "recompute", "generate"]


def test_a_call_that_takes_no_time_leaves_the_lane_as_it_is(thread):
    thread.call(lambda e: None, lane="sync")
    for _ in range(5):
        thread.call(lambda e: None)
    assert [stretch.state for stretch in thread.lane.take()][:1] == ["load"]
