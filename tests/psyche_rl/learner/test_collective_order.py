"""What the ranks wait for when they export: no rank goes on before the folder is there."""

from psyche_rl.learner import learner
from psyche_rl.learner.learner import Learner


def test_all_return_from_an_export_after_the_first_has_written(monkeypatch):
    steps: list[str] = []
    monkeypatch.setattr(learner.dist, "barrier", lambda: steps.append("barrier"))
    monkeypatch.setattr(learner, "write_model_folder", lambda *_: steps.append("write"))
    one = Learner.__new__(Learner)
    for gathered, expected in (({}, ["write", "barrier"]), (None, ["barrier"])):
        steps.clear()
        one._dir = None
        monkeypatch.setattr(one, "_gather", lambda gathered=gathered: gathered)
        one.export("/out")
        assert steps == expected
