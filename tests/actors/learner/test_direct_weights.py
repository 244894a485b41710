"""The calls of a direct transfer over Ray actors: in which order, and what is compared."""

from types import SimpleNamespace

import pytest

from actors.learner import direct_weights
from actors.learner.direct_weights import DirectWeights
from psyche_rl.errors import WeightSyncError
from psyche_rl.fleet.slot import Served
from psyche_rl.weights.transport import Backend


class Scene:
    """A learner and two workers that note what is asked of them; a ref is its answer."""

    def __init__(self):
        self.calls, self.arrives = [], [5, 5]
        self.workers = [
            SimpleNamespace(receive_weights=SimpleNamespace(remote=lambda v, n=n: self._receive(n, v)))
            for n in range(2)
        ]

    def connect(self, backend, workers, processes):
        self.calls.append(("connect", backend, len(workers), processes))

    def send_weights(self, version, checked):
        self.calls.append(("send", version, checked))
        return 5 if checked else None

    def _receive(self, number, version):
        self.calls.append(("receive", number, version))
        return Served(version, self.arrives[number])


@pytest.fixture
def scene(monkeypatch):
    monkeypatch.setattr(direct_weights, "wait", lambda refs, waiting: refs)
    return Scene()


def transport(scene):
    direct = DirectWeights(scene, Backend.NCCL, 2, wait_s=30)
    return direct.transport(lambda _: None, lambda: 0)


def test_workers_wait_for_the_weights_before_they_are_sent(scene):
    assert transport(scene).publish(scene.workers, 3, checked=True) == [Served(3, 5)] * 2
    assert scene.calls == [
        ("connect", Backend.NCCL, 2, 2), ("receive", 0, 3), ("receive", 1, 3), ("send", 3, True),
    ]  # fmt: skip


def test_what_arrives_must_be_what_was_sent(scene):
    scene.arrives[1] = 6
    with pytest.raises(WeightSyncError, match="worker 1 received version 3 with checksum 6, sent was 5"):
        transport(scene).publish(scene.workers, 3, checked=True)
