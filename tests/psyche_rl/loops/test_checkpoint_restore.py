"""What is damaged is named and passed over; what could not be written is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from checkpoint_folders import Saver

from psyche_rl.errors import RemoteWaitError, RunFolderError
from psyche_rl.loops.checkpoints import Checkpoints


def fails(path: str, state, notes) -> None:
    raise RunFolderError(f"{path}: the checkpoint could not be written: disk full")


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def save(checkpoints: Checkpoints, *steps: int) -> None:
    for step in steps:
        checkpoints.save(step, Saver().at(step))
    checkpoints.wait()


# -- damage -------------------------------------------------------------------------------------------------


def shorten(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def lengthen(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b" ")


def alter(file: Path) -> None:
    file.write_bytes(bytes([file.read_bytes()[0] ^ 1]) + file.read_bytes()[1:])


DAMAGE = [
    (Path.unlink, "state.json", "state.json is gone"),
    (shorten, "state.json", "state.json has 1 bytes, recorded 2"),
    (lengthen, "state.json", "state.json has 3 bytes, recorded 2"),
    (alter, "state.json", "state.json holds other bytes than were written"),
    (shorten, "done", "its mark 'done' does not list its files"),
    (lambda mark: mark.write_bytes(b""), "done", "its mark 'done' does not list its files"),
]


@pytest.mark.parametrize(("damage", "file", "why"), DAMAGE)
def test_a_damaged_newest_one_is_named_and_the_one_before_is_loaded(new, folder, said, damage, file, why):
    save(new(), 10, 20)
    damage(folder / "step_000020" / file)
    resumed = new()
    assert resumed.restore(loaded := Saver()) == loaded.state == 10
    assert said == [f"grpo: {folder}/step_000020 is damaged: {why}; the checkpoint before it is tried"]
    assert resumed.newest() == 10
    save(resumed, 15)
    assert names(folder) == ["step_000010", "step_000015"]


def test_ranks_are_not_asked_for_what_lacks_a_file(new, folder):
    save(new(), 10, 20)
    shorten(folder / "step_000020/state.json")
    saver, asked = Saver(), []
    saver.load = asked.append
    new().restore(saver)
    assert asked == [f"{folder}/step_000010"]


def test_where_none_is_whole_the_start_is_all_there_is(new, folder, said):
    save(new(), 10, 20)
    for step in (10, 20):
        shorten(folder / f"step_0000{step}/state.json")
    resumed = new()
    assert resumed.restore(loaded := Saver()) == 0
    assert loaded.state is None
    assert [line.rpartition("; ")[2] for line in said[:2]] == ["the checkpoint before it is tried"] * 2
    assert said[2:] == ["grpo: no checkpoint is whole, so the stage starts at step 0"]
    assert resumed.newest() == 0


def test_without_checkpoints_nothing_is_said(new, said):
    assert new().restore(Saver()) == 0
    assert said == []


def test_one_that_is_whole_and_does_not_load_ends_the_run(new, said):
    """Another model's, say. To start afresh would throw away what is there."""
    save(new(), 10, 20)
    saver = Saver()
    saver.load = lambda path: fails(path, None, None)
    with pytest.raises(RunFolderError, match="step_000020"):
        new().restore(saver)
    assert said == []


# -- errors of the background -------------------------------------------------------------------------------


def failing() -> Saver:
    saver = Saver(slow=True)
    saver.write = fails
    return saver


@pytest.mark.parametrize("ask", ["wait", "save", "save_now"])
def test_an_error_of_the_writing_is_raised_at_the_next_point(new, folder, ask):
    checkpoints = new(keep=1)
    save(checkpoints, 10)
    checkpoints.save(20, failing())
    arguments = () if ask == "wait" else (30, Saver())
    with pytest.raises(RunFolderError, match=r"step_000020: the checkpoint could not be written: disk full"):
        getattr(checkpoints, ask)(*arguments)
    checkpoints.wait()  # it is raised once
    assert names(folder) == ["step_000010"]


def test_the_end_waits_for_the_one_under_way(new, folder):
    checkpoints = new()
    with checkpoints.finishing():
        checkpoints.save(10, Saver(slow=True))
    assert names(folder / "step_000010") == ["done", "state.json"]
    with pytest.raises(RunFolderError, match="disk full"), checkpoints.finishing():
        checkpoints.save(20, failing())


def ended_by(end: BaseException, checkpoints: Checkpoints, saver: Saver, step: int = 10) -> None:
    with checkpoints.finishing():
        checkpoints.save(step, saver)
        raise end


def test_an_error_of_the_loop_loses_no_checkpoint_and_hides_no_error(new, folder, said):
    checkpoints = new()
    with pytest.raises(ZeroDivisionError):
        ended_by(ZeroDivisionError(), checkpoints, Saver(slow=True))
    assert names(folder) == ["step_000010"]
    with pytest.raises(ZeroDivisionError):
        ended_by(ZeroDivisionError(), checkpoints, failing(), step=20)
    assert said == [f"grpo: {folder}/step_000020: the checkpoint could not be written: disk full"]


@pytest.mark.parametrize(
    "end", [KeyboardInterrupt(), RemoteWaitError("learner", "policy_step", 3, "no answer")]
)
def test_nobody_waits_where_the_end_is_at_once_or_ranks_are_silent(new, folder, end):
    checkpoints = new()
    with pytest.raises(type(end)):
        ended_by(end, checkpoints, Saver(slow=True))
    assert not folder.exists()
