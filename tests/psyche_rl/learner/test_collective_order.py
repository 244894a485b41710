"""What the ranks wait for when they save and export: no rank goes on before the folder is there."""

from unittest.mock import Mock

import pytest
import torch

from psyche_rl.learner import checkpointing, learner
from psyche_rl.learner.learner import Learner


@pytest.fixture
def done(monkeypatch):
    """The steps of a save, in order; none of them does anything."""
    steps: list[tuple] = []
    monkeypatch.setattr(checkpointing.dist, "barrier", lambda: steps.append(("barrier",)))
    monkeypatch.setattr(checkpointing, "get_state_dict", lambda *_: ({}, {}))
    monkeypatch.setattr(checkpointing.shutil, "rmtree", lambda *a, **k: steps.append(("clear", *a, k)))
    monkeypatch.setattr(checkpointing, "save_sharded", lambda content, **k: steps.append(("write", k)))
    monkeypatch.setattr(checkpointing, "replace_folder", lambda *a: steps.append(("move", *a)))
    return steps


@pytest.mark.parametrize("rank", [0, 1])
def test_all_write_after_the_first_has_cleared_and_return_after_it_has_moved(done, monkeypatch, rank):
    monkeypatch.setattr(checkpointing.dist, "get_rank", lambda: rank)
    model = torch.nn.Linear(1, 1)
    checkpointing.save_state("/run/step", model, torch.optim.AdamW(model.parameters()), 3)
    clear, move = ("clear", "/run/step.tmp", {"ignore_errors": True}), ("move", "/run/step.tmp", "/run/step")
    write = ("write", {"checkpoint_id": "/run/step.tmp"})
    whole = [clear, ("barrier",), write, move, ("barrier",)]
    assert done == [step for step in whole if rank == 0 or step not in (clear, move)]


@pytest.mark.parametrize("rank", [0, 1])
def test_all_take_part_in_an_export_and_return_after_the_first_has_written(monkeypatch, rank):
    steps: list[str] = []

    def gather(model, dtype):
        steps.append("gather")
        yield "w", torch.ones(1)

    monkeypatch.setattr(learner.dist, "barrier", lambda: steps.append("barrier"))
    monkeypatch.setattr(learner.dist, "get_rank", lambda: rank)
    monkeypatch.setattr(learner, "published_weights", gather)
    monkeypatch.setattr(learner, "write_model_folder", lambda w, *_: steps.append(f"write {dict(w)}"))
    one = Learner.__new__(Learner)
    one._dir, one._model, one._compute = None, Mock(), torch.float32
    one.export("/out")
    written = ["write {'w': tensor([1.])}"] if rank == 0 else []
    assert steps == ["gather", *written, "barrier"]
