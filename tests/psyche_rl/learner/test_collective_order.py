"""What the ranks wait for when they export: no rank goes on before the folder is there."""

from unittest.mock import Mock

import pytest
import torch

from psyche_rl.learner.learner import Learner


@pytest.mark.parametrize("rank", [0, 1])
def test_all_take_part_in_an_export_and_return_after_the_first_has_written(monkeypatch, rank):
    from psyche_rl.learner import outgoing

    steps: list[str] = []

    def gather(model, dtype, change, *, copied):
        steps.append("gather")
        yield "w", torch.ones(1)

    monkeypatch.setattr(outgoing.dist, "barrier", lambda: steps.append("barrier"))
    monkeypatch.setattr(outgoing.dist, "get_rank", lambda: rank)
    monkeypatch.setattr(outgoing, "published_weights", gather)
    monkeypatch.setattr(outgoing, "write_model_folder", lambda w, *_: steps.append(f"write {dict(w)}"))
    one = Learner.__new__(Learner)
    one._guard = Mock()
    one._guard.check_weights.side_effect = lambda what, step: steps.append(f"{what} after {step}")
    one.step, one._lora = 7, None
    one._dir, one._model, one._compute = None, Mock(), torch.float32
    one.export("/out")
    written = ["write {'w': tensor([1.])}"] if rank == 0 else []
    assert steps == ["exported after 7", "gather", *written, "barrier"]


@pytest.mark.parametrize("rank", [0, 1])
def test_all_return_when_the_first_has_written_the_adapters(tmp_path, monkeypatch, rank):
    from psyche_rl.learner import adapter_folder

    steps: list[str] = []
    adapter = Mock()
    adapter.whole.side_effect = lambda: steps.append("gather")
    monkeypatch.setattr(adapter_folder, "named_adapters", lambda lm: [("a", adapter)])
    monkeypatch.setattr(adapter_folder, "_write", lambda *_: steps.append("write"))
    monkeypatch.setattr(adapter_folder.dist, "is_initialized", lambda: True)
    monkeypatch.setattr(adapter_folder.dist, "get_rank", lambda: rank)
    monkeypatch.setattr(adapter_folder.dist, "barrier", lambda: steps.append("barrier"))
    adapter_folder.write_adapter_folder(Mock(), "base", str(tmp_path / "target"))
    assert steps == ["gather", *(["write"] if rank == 0 else []), "barrier"]
