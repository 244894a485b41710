"""Checkpoints count when they are marked, and the newest few and the best stay."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from checkpoint_folders import Saver, write_checkpoint

from psyche_rl.config.training_evaluation import DEV_METRIC
from psyche_rl.loops.checkpoints import Checkpoints, newest_checkpoint
from psyche_rl.store import RunStore


def killed_while_writing(path: str, state, notes) -> None:
    Path(path).mkdir(parents=True)
    Path(path, "weights").touch()
    raise KeyboardInterrupt


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def save(checkpoints: Checkpoints, *steps: int, **values: float) -> None:
    for step in steps:
        checkpoints.save(step, Saver().at(step), values.get(f"at_{step}"))
    checkpoints.wait()


# -- what counts, and what stays ----------------------------------------------------------------------------


def test_without_any_the_newest_is_zero(new):
    assert new().newest() == 0


def test_the_newest_by_number_counts(new):
    checkpoints = new()
    save(checkpoints, 9, 100, 20)
    assert checkpoints.newest() == 100
    assert checkpoints.path(100).endswith("grpo/checkpoints/step_000100")


def test_only_the_newest_stay(new, folder):
    save(new(), 10, 20, 30, 40)
    assert names(folder) == ["step_000030", "step_000040"]
    assert (folder / "step_000030/state.json").read_text() == "30"


def test_one_that_is_being_written_pushes_none_out(new, folder):
    checkpoints, slow = new(keep=1), Saver(slow=True)
    save(checkpoints, 10)
    checkpoints.save(20, slow.at(20))
    assert names(folder) == ["step_000010"]
    slow.at(21)  # training goes on
    checkpoints.wait()
    assert names(folder) == ["step_000020"]
    assert (folder / "step_000020/state.json").read_text() == "20"


def test_the_next_save_waits_for_the_one_before(new, folder):
    checkpoints, slow = new(), Saver(slow=True)
    checkpoints.save(10, slow.at(10))
    assert not folder.exists()
    checkpoints.save(20, slow.at(20))  # the fake refuses a second one under way
    assert names(folder) == ["step_000010"]


def test_what_was_not_finished_does_not_count_and_goes_with_the_next_save(new, folder):
    save(new(), 10, 20)
    killed = Saver()
    killed.write = killed_while_writing
    with pytest.raises(KeyboardInterrupt):
        new().save(30, killed)
    again = new()
    assert again.newest() == 20
    assert again.restore(loaded := Saver()) == loaded.state == 20
    save(again, 25)
    assert names(folder) == ["step_000020", "step_000025"]


def test_a_step_saved_again_replaces_what_was_there(new, folder):
    (folder / "step_000010").mkdir(parents=True)
    (folder / "step_000010/rank_1").write_text("old")
    save(new(), 10)
    assert names(folder / "step_000010") == ["done", "state.json"]


def test_of_a_folder_that_goes_the_mark_goes_first(new, tmp_path, monkeypatch):
    """Half a folder under a mark would be taken for a damaged checkpoint."""
    removed: list[str] = []
    remove = RunStore.remove
    monkeypatch.setattr(RunStore, "remove", lambda store, rel: (removed.append(rel), remove(store, rel)))
    save(new(keep=1), 10, 20)
    place = "grpo/checkpoints/step_000010"
    assert [rel for rel in removed if rel.startswith(place)][-2:] == [f"{place}/done", place]


def test_marks_that_other_processes_have_written_are_seen(new, monkeypatch):
    """fsspec remembers the listings of a store behind a URL."""
    checkpoints, asked = new(), []
    monkeypatch.setattr(checkpoints._store.fs, "invalidate_cache", lambda: asked.append("anew"))
    assert checkpoints.newest() == 0
    assert asked == ["anew"]


def test_what_a_rank_of_a_killed_driver_finishes_later_does_not_count(new, folder):
    save(new(), 10)
    resumed = new(keep=1)
    assert resumed.restore(Saver()) == 10
    write_checkpoint(str(folder / "step_000020"), 20, {DEV_METRIC: 1.0})
    assert resumed.newest() == 10
    resumed.save_now(12, Saver().at(12))
    assert resumed.newest() == 12
    assert names(folder) == ["step_000012"]


def test_at_a_stop_the_step_is_there_on_return_and_is_not_written_twice(new, folder):
    checkpoints, slow = new(), Saver(slow=True)
    checkpoints.save(10, slow.at(10))
    checkpoints.save_now(10, slow.at(11))
    assert (folder / "step_000010/state.json").read_text() == "10"
    checkpoints.save_now(12, slow.at(12))
    assert checkpoints.newest() == 12
    assert (folder / "step_000012/state.json").read_text() == "12"
    checkpoints.save_now(0, Saver())
    assert names(folder) == ["step_000010", "step_000012"]


def test_stages_do_not_see_each_others(new, tmp_path):
    save(new(), 10)
    assert Checkpoints(RunStore(str(tmp_path)), "sft", keep=1).newest() == 0


def test_the_step_that_a_stage_goes_on_from(new, tmp_path):
    store = RunStore(str(tmp_path))
    assert newest_checkpoint(store, "grpo") is None
    save(new(), 20)
    assert newest_checkpoint(store, "grpo") == 20
    assert newest_checkpoint(store, "sft") is None


# -- the best -----------------------------------------------------------------------------------------------


def test_the_best_stays_beside_the_newest_and_is_named(new, folder):
    checkpoints = new(keep=1, keep_best=True)
    save(checkpoints, 10, 20, 30, 40, at_10=0.5, at_20=0.75, at_30=0.75)
    assert checkpoints.best() == (20, 0.75)  # of equal ones the earliest
    assert names(folder) == ["best.json", "step_000020", "step_000040"]
    assert json.loads((folder / "best.json").read_text()) == {"step": 20, "eval/strict_accuracy": 0.75}
    save(checkpoints, 50, at_50=0.8)
    assert names(folder) == ["best.json", "step_000050"]
    assert json.loads((folder / "best.json").read_text())["step"] == 50


def test_only_a_better_value_is_worth_a_checkpoint_of_its_own(new):
    checkpoints, slow = new(keep_best=True), Saver(slow=True)
    assert not checkpoints.would_be_best(None)
    assert checkpoints.would_be_best(0.0)
    save(checkpoints, 10, at_10=0.5)
    assert [checkpoints.would_be_best(value) for value in (0.4, 0.5, 0.6)] == [False, False, True]
    checkpoints.save(20, slow, 0.7)
    assert [checkpoints.would_be_best(value) for value in (0.6, 0.7, 0.8)] == [False, False, True]
    assert not new(keep_best=False).would_be_best(0.9)


def test_the_best_is_still_the_best_after_a_resume(new, folder):
    save(new(keep=1, keep_best=True), 10, 20, at_10=0.75, at_20=0.5)
    resumed = new(keep=1, keep_best=True)
    assert resumed.restore(Saver()) == 20
    assert not resumed.would_be_best(0.7)
    save(resumed, 30, at_30=0.7)
    assert names(folder) == ["best.json", "step_000010", "step_000030"]


def test_a_best_that_is_damaged_gives_way(new, folder):
    save(new(keep=1, keep_best=True), 10, 20, 30, at_10=0.5, at_20=0.75)
    (folder / "step_000020/done").write_text("{")
    resumed = new(keep=1, keep_best=True)
    assert resumed.restore(Saver()) == 30
    assert not (folder / "best.json").exists()
    assert resumed.would_be_best(0.1)


def test_without_keep_best_none_is_named(new, folder):
    save(new(keep=1, keep_best=True), 10, 20, at_10=0.75)
    save(new(keep=1), 30)
    assert names(folder) == ["step_000030"]
