"""The GRPO loop and its checkpoints: damaged, slow and best ones."""

from __future__ import annotations

import json

import pytest
from test_grpo_loop import Killed, Run

from psyche_rl.loops.checkpoints import Checkpoints


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Run:
    """A run that was never cut off."""
    run = Run(str(tmp_path_factory.mktemp("whole")))
    run()
    return run


def test_a_run_whose_newest_checkpoint_is_damaged_ends_like_one_that_was_not_cut(tmp_path, whole):
    cut, said = Run(str(tmp_path), dies_after=5), []
    with pytest.raises(Killed):
        cut()
    (tmp_path / "grpo/checkpoints/step_000004/state.json").write_text("9")
    resumed = Run(str(tmp_path))
    resumed.loop.checkpoints = Checkpoints(resumed.store, "grpo", 2, say=said.append)
    resumed()
    assert ["step_000004 is damaged: state.json holds other bytes" in line for line in said] == [True]
    assert [c for c in resumed.calls if c[0] == "load"] == [("load", "step_000002")]
    assert resumed.told == [3, 4, 5]
    assert resumed.rows() == whole.rows()
    assert resumed.learner.updates == whole.learner.updates


def test_where_no_checkpoint_is_whole_it_is_trained_from_the_start(tmp_path, whole):
    Run(str(tmp_path))()
    for mark in tmp_path.glob("grpo/checkpoints/*/done"):
        mark.write_text("")
    resumed = Run(str(tmp_path))
    resumed()
    assert resumed.told == [1, 2, 3, 4, 5]
    assert resumed.rows() == whole.rows()


def test_what_is_written_slowly_counts_in_the_end_and_holds_the_step_it_was_saved_at(tmp_path):
    run = Run(str(tmp_path))
    run.learner.slow = True
    run()
    for step in (4, 5):
        folder = tmp_path / f"grpo/checkpoints/step_{step:06d}"
        assert (folder / "done").exists()
        assert json.loads((folder / "state.json").read_text()) == 2 * step


class Accuracies:
    """A probe that measures what it is given."""

    def __init__(self, *values: float) -> None:
        self.values = values

    def measure(self, rollouts, version: int) -> dict[str, float]:
        return {"eval/strict_accuracy": self.values[version]}


def test_the_best_step_is_saved_although_no_save_is_due_and_stays_over_a_resume(tmp_path):
    def run(*accuracies: float, dies_after: int | None = None) -> Run:
        made = Run(str(tmp_path), {"eval_every": 1, "save_every": 4}, dies_after=dies_after)
        made.loop.probe = Accuracies(*accuracies)
        made.loop.checkpoints = Checkpoints(made.store, "grpo", 1, keep_best=True)
        return made

    values = (0.9, 0.25, 0.5, 0.5, 0.25, 0.25)  # before the first step there is nothing to keep
    cut = run(*values, dies_after=5)
    with pytest.raises(Killed):
        cut()
    assert [c[1] for c in cut.calls if c[0] == "save"] == ["step_000001", "step_000002", "step_000004"]
    resumed = run(*values)
    resumed()
    assert [c[1] for c in resumed.calls if c[0] == "save"] == ["step_000005"]
    assert sorted(p.name for p in tmp_path.glob("grpo/checkpoints/*")) == [
        "best.json",
        "step_000002",
        "step_000005",
    ]
    best = json.loads((tmp_path / "grpo/checkpoints/best.json").read_text())
    assert best == {"step": 2, "eval/strict_accuracy": 0.5}
