"""The GRPO loop when it is asked to stop: the last finished step is saved, and the end is the same."""

from __future__ import annotations

import pytest
from test_grpo_loop import STEPS, Run

from psyche_rl.stop import Stopped

PHASES = ["generate", "reference", "score", "old", "update", "publish"]


def stopped_in(folder: str, phase: str, step: int, may_save: bool = True) -> Run:
    """A run that is asked to stop when ``phase`` of ``step`` (from 0) begins."""
    run = Run(folder, grpo={"save_every": 4})
    append = run.calls.append
    version = step + 1 if phase == "publish" else step

    def noting(call) -> None:
        append(call)
        if call[:2] == (phase, version):
            run.loop.stop.request("SIGTERM", may_save)

    run.seen = run.calls
    run.calls = list[tuple]()
    run.loop.learner.calls = run.loop.rollouts.calls = run.loop.scorers.calls = Noting(noting)
    run.loop.reference.calls = run.loop.rollouts.calls
    with pytest.raises(Stopped) as stopped:
        run.loop.run()
    assert run.loop.stop.leaving
    run.said = str(stopped.value)
    return run


class Noting(list):
    def __init__(self, note) -> None:
        self.append = note


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("step", [1, 2])
def test_wherever_it_is_asked_no_finished_step_is_lost(tmp_path, whole, phase, step):
    run = stopped_in(str(tmp_path), phase, step)
    finished = step if phase in PHASES[:3] else step + 1
    assert run.said == f"after step {finished} of {STEPS}"
    assert run.loop.checkpoints.newest() == finished
    assert [row["step"] for row in run.rows()] == list(range(finished + 1))
    resumed = Run(str(tmp_path), grpo={"save_every": 4})
    resumed()
    assert resumed.told == list(range(finished + 1, STEPS + 1))
    assert resumed.rows() == whole.rows()
    assert {**run.kept, **resumed.kept} == whole.kept
    assert resumed.learner.updates == whole.learner.updates


@pytest.mark.parametrize("phase", ["generate", "score"])
def test_a_step_is_cut_before_its_next_phase(tmp_path, phase):
    run = stopped_in(str(tmp_path), phase, 1)
    trained = [version for version in range(STEPS) if version + 1 in run.kept]
    assert trained == [0]
    assert [call[0] for call in run.seen if call[0] in PHASES][-1] == phase


def test_a_step_is_cut_before_it_is_trained_on(tmp_path):
    run = Run(str(tmp_path), grpo={"save_every": 4})
    add_reference = run.loop.add_reference

    def asked_meanwhile(batch, reference):
        if not run.loop.stop.leaving:
            run.loop.stop.request("SIGTERM", True)
        return add_reference(batch, reference)

    run.loop.add_reference = asked_meanwhile
    with pytest.raises(Stopped):
        run.loop.run()
    assert run.learner.updates == 0
    assert run.loop.checkpoints.newest() == 0


def test_before_the_first_step_there_is_nothing_to_save(tmp_path):
    run = stopped_in(str(tmp_path), "generate", 0)
    assert run.loop.checkpoints.newest() == 0
    assert not run.store.exists("grpo/checkpoints")


def test_a_run_folder_that_is_anothers_is_left_alone(tmp_path):
    run = stopped_in(str(tmp_path), "score", 2, may_save=False)
    assert run.loop.checkpoints.newest() == 0


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Run:
    run = Run(str(tmp_path_factory.mktemp("whole")))
    run()
    return run
