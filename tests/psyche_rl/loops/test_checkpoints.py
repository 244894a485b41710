"""Checkpoints count when they are whole, and only the newest stay."""

from pathlib import Path

import pytest

from psyche_rl.loops.checkpoints import Checkpoints, newest_checkpoint
from psyche_rl.store import RunStore


def write(path: str) -> None:
    Path(path).mkdir(parents=True)
    Path(path, "weights").write_text(path)


def killed_while_writing(path: str) -> None:
    write(path)
    raise KeyboardInterrupt


@pytest.fixture
def checkpoints(tmp_path) -> Checkpoints:
    return Checkpoints(RunStore(str(tmp_path)), "grpo", keep=2)


def folders(tmp_path) -> list[str]:
    return sorted(p.name for p in (tmp_path / "grpo/checkpoints").iterdir())


def test_without_any_the_newest_is_zero(checkpoints):
    assert checkpoints.newest() == 0


def test_the_newest_by_number_counts(checkpoints):
    for step in (9, 100, 20):
        checkpoints.save(step, write)
    assert checkpoints.newest() == 100
    assert checkpoints.path(100).endswith("grpo/checkpoints/step_000100")


def test_only_the_newest_stay(checkpoints, tmp_path):
    for step in (10, 20, 30, 40):
        checkpoints.save(step, write)
    assert folders(tmp_path) == ["step_000030", "step_000040"]
    assert (tmp_path / "grpo/checkpoints/step_000030/weights").exists()


def test_one_that_was_not_finished_does_not_count_and_pushes_none_out(checkpoints, tmp_path):
    checkpoints.save(10, write)
    checkpoints.save(20, write)
    with pytest.raises(KeyboardInterrupt):
        checkpoints.save(30, killed_while_writing)
    assert checkpoints.newest() == 20
    assert {"step_000010", "step_000020"} <= set(folders(tmp_path))


def test_the_leftovers_of_one_that_was_not_finished_go_with_the_next_save(checkpoints, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        checkpoints.save(10, killed_while_writing)
    checkpoints.save(15, write)
    assert folders(tmp_path) == ["step_000015"]


def test_a_step_saved_again_replaces_what_was_there(checkpoints, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        checkpoints.save(10, killed_while_writing)
    (tmp_path / "grpo/checkpoints/step_000010/rank_1").write_text("old")
    checkpoints.save(10, write)
    assert sorted(p.name for p in (tmp_path / "grpo/checkpoints/step_000010").iterdir()) == [
        "done",
        "weights",
    ]


def test_stages_do_not_see_each_others(checkpoints, tmp_path):
    checkpoints.save(10, write)
    assert Checkpoints(RunStore(str(tmp_path)), "sft", keep=1).newest() == 0


def test_the_step_that_a_stage_goes_on_from(checkpoints, tmp_path):
    store = RunStore(str(tmp_path))
    assert newest_checkpoint(store, "grpo") is None
    checkpoints.save(20, write)
    assert newest_checkpoint(store, "grpo") == 20
    assert newest_checkpoint(store, "sft") is None
