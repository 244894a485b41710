"""What the learner's rank 0 tells the engines, and which place each has in the group."""

from types import SimpleNamespace

import pytest

from actors.learner import engine_client
from actors.learner.engine_client import EngineClient
from psyche_rl.weights.transport import Backend


@pytest.fixture
def told(monkeypatch):
    calls = []

    def remote(worker, name):
        return SimpleNamespace(remote=lambda *given: calls.append((worker, name, *given)))

    def handle(worker):
        names = ("meet_learner", "tell_transfer")
        return SimpleNamespace(**{name: remote(worker, name) for name in names})

    waits = []
    monkeypatch.setattr(engine_client, "wait", lambda refs, waiting: waits.append((len(refs), waiting)))
    return [handle("a"), handle("b")], calls, waits


def test_every_process_of_every_engine_has_its_own_place(told):
    workers, calls, _ = told
    client = EngineClient(workers, 4, Backend.NCCL, 30)
    client.init_weight_transfer_engine({"rank_offset": 1, "world_size": 9})
    common = {"world_size": 9, "backend": "nccl"}
    assert calls == [
        ("a", "meet_learner", {**common, "rank_offset": 1}),
        ("b", "meet_learner", {**common, "rank_offset": 5}),
    ]


def test_without_places_none_are_made_up(told):
    workers, calls, _ = told
    EngineClient(workers, 1, Backend.IPC, 30).init_weight_transfer_engine({"packed": True})
    assert [given for *_, given in calls] == [{"packed": True, "backend": "ipc"}] * 2


def test_an_update_goes_to_all_with_a_deadline_that_names_its_version(told):
    workers, calls, waits = told
    client = EngineClient(workers, 1, Backend.IPC, 30)
    client.begin(7, checked=True)
    client.start_weight_update()
    client.update_weights({"names": ["x"]})
    client.finish_weight_update()
    request = {"update_info": {"names": ["x"], "checked": True}}
    assert [call[2:] for call in calls if call[0] == "b"] == [
        ("start_weight_update", {}),
        ("update_weights", {"request": request}),
        ("finish_weight_update", {"weight_version": "7"}),
    ]
    assert {(count, w.version, w.deadline_s) for count, w in waits} == {(2, 7, 30)}
