"""A pool whose weights come directly: proofs, replacements, and the object store where it fails."""

from types import SimpleNamespace

import pytest
import ray
from engine_checks import CONFIG

from actors.placement.place import ANYWHERE
from actors.rollout import pool as pool_module
from actors.rollout.pool import RolloutPool
from actors.rollout.worker import ServedProof
from psyche_rl.errors import RemoteWaitError, WeightSyncError
from psyche_rl.weights.transport import DirectTransport


class NotedWorker:
    """What a pool asks of a worker; a ref is its answer."""

    def __init__(self, calls, number):
        self._calls, self._number = calls, number

    def __getattr__(self, method):
        return SimpleNamespace(remote=lambda *given, **named: self._answer(method, given, named))

    def _answer(self, method, given, named):
        self._calls.append((self._number, method, *given, *named.values()))
        version = {"update_weights": given[-1:], "load": (0,)}.get(method, (0,))[0]
        return ServedProof(100 + self._number, version, 7 if named.get("checked") else None)


class Scene:
    """A pool of two noted workers, and a transport whose sending may fail."""

    def __init__(self, monkeypatch):
        self.calls, self.fails, self.said, self.learner = [], 0, [], 0
        self.started = 0
        monkeypatch.setattr(pool_module, "wait", self.wait)
        monkeypatch.setattr(pool_module, "start_worker", self.start)
        monkeypatch.setattr(ray, "kill", lambda _: None)
        monkeypatch.setattr(ray, "put", lambda weights: weights)
        self.pool = RolloutPool("m", CONFIG, 2, say=lambda text, **named: self.said.append((text, named)))
        self.pool.start()
        self.transport = DirectTransport(self.form, self.send, self.put, lambda: self.learner)
        self.calls.clear()
        self.lost = None

    def start(self, *given):
        self.started += 1
        return NotedWorker(self.calls, self.started - 1)

    def wait(self, ref, waiting):
        if waiting.phase == getattr(self, "lost", None):
            self.lost = None
            raise RemoteWaitError("rollout worker 1", waiting.phase, 1, "it died")
        return [] if waiting.phase == "generate" else ref

    def form(self, members):
        self.calls.append(("form", len(members)))

    def send(self, version, checked):
        if self.fails:
            self.fails -= 1
            raise WeightSyncError("a bucket was lost")
        self.calls.append(("send", version, checked))
        return [ServedProof(100 + n, version, 9 if checked else None) for n in range(2)]

    def put(self, version):
        self.calls.append(("put", version))
        return {"object": version}

    def publish(self, version):
        self.learner = version
        return self.pool.publish(self.transport, version)


@pytest.fixture
def scene(monkeypatch):
    return Scene(monkeypatch)


def test_nothing_goes_through_the_object_store(scene):
    assert scene.publish(1) == f"{9:016x}"
    assert scene.publish(2) == f"{9:016x}"
    assert scene.calls == [("form", 2), ("send", 1, True), ("send", 2, True)]
    assert scene.said == []


def test_a_worker_that_comes_in_between_reads_an_object(scene):
    scene.publish(1)
    scene.pool._current = scene.pool._current.__class__(1, scene.transport, 7)
    scene.lost = "generate"
    scene.pool.generate([], 1)
    assert ("put", 1) in scene.calls
    assert (2, "update_weights", {"object": 1}, 1, True) in scene.calls
    assert scene.pool.report().replaced == 1


def test_a_failed_publish_is_said_and_made_good_by_the_object_store(scene):
    scene.fails = 1
    assert scene.publish(1) == f"{7:016x}"
    updates = [call for call in scene.calls if "update_weights" in call]
    assert updates == [(n, "update_weights", {"object": 1}, 1, True) for n in range(2)]
    (text, named), *more = scene.said
    assert text == "rollout: direct publish failed, object store taken"
    assert (named["version"], named["why"], more) == (1, "a bucket was lost", [])
    scene.publish(2)
    assert scene.calls[-2:] == [("form", 2), ("send", 2, True)]


def test_after_three_failures_it_is_not_tried_again(scene):
    scene.fails = 4
    for version in range(1, 5):
        scene.publish(version)
    assert scene.fails == 1
    assert len(scene.said) == 3


@pytest.mark.parametrize(("level", "on_gpu", "asked"), [(2, True, True), (0, True, False), (2, False, False)])
def test_engines_rest_on_gpu_where_that_was_asked_for(scene, level, on_gpu, asked):
    place = SimpleNamespace(on_gpu=True) if on_gpu else ANYWHERE
    pool = RolloutPool("m", CONFIG, 1, sleep_level=level, places=[place])
    pool.start()
    scene.calls.clear()
    pool.rest()
    assert [call[1:] for call in scene.calls] == ([("sleep", level)] if asked else [])
