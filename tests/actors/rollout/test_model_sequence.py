"""Several models by one pool: new weights where the architecture allows it, new engines where it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from actors.rollout import model_sequence
from actors.rollout.model_sequence import ModelSequence


class FakePool:
    def __init__(self, model: str, told: list[tuple]) -> None:
        self.model, self.told = model, told

    def start(self, version: int) -> None:
        self.told.append(("start", self.model, version))
        if self.model == "broken":
            raise RuntimeError("it does not start")

    def publish(self, weights: str, version: int) -> None:
        self.told.append(("publish", self.model, weights, version))

    def stop(self) -> None:
        self.told.append(("stop", self.model))


@pytest.fixture
def told(monkeypatch) -> list[tuple]:
    """Models are alike if their names begin with the same letter."""
    monkeypatch.setattr(model_sequence, "model_folder", Path)
    monkeypatch.setattr(model_sequence, "read_weights", lambda folder: f"weights of {folder}")
    monkeypatch.setattr(model_sequence, "same_architecture", lambda one, two: str(one)[0] == str(two)[0])
    return []


def test_a_model_alike_gets_the_live_engines_and_another_gets_new_ones(told):
    models = ModelSequence(lambda model: FakePool(model, told))
    first = models.serving("a1", 0)
    assert models.serving("a2", 1) is first
    assert models.serving("b1", 2) is not first
    models.serving("b2", 3)
    models.stop()
    models.stop()
    assert told == [
        ("start", "a1", 0),
        ("publish", "a1", "weights of a2", 1),
        ("stop", "a1"),
        ("start", "b1", 2),
        ("publish", "b1", "weights of b2", 3),
        ("stop", "b1"),
    ]


def test_engines_that_did_not_start_are_ended_too(told):
    models = ModelSequence(lambda model: FakePool(model, told))
    with pytest.raises(RuntimeError):
        models.serving("broken", 0)
    models.stop()
    assert told == [("start", "broken", 0), ("stop", "broken")]
