"""Checkpoints of one rank: written in the background, to stay, and checked when they are read."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest
import torch
from tiny import make_model, sft_sequences

from psyche_rl.errors import DamagedFolderError, RunFolderError
from psyche_rl.learner import checkpoint_files, checkpointing
from psyche_rl.learner.checkpoint_files import CheckpointWriter
from psyche_rl.learner.checkpointing import learner_state, load_state
from psyche_rl.store import outputs
from psyche_rl.store.marked_folder import read_mark


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return make_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def held(monkeypatch) -> threading.Event:
    """No file is written before this is set."""
    go = threading.Event()
    write = CheckpointWriter.write_data

    def waiting(self, plan, planner):
        assert go.wait(60)
        return write(self, plan, planner)

    monkeypatch.setattr(CheckpointWriter, "write_data", waiting)
    return go


@pytest.fixture
def saved(tmp_path, model, new_learner) -> Path:
    """A whole checkpoint after one step."""
    learner = new_learner(model)
    learner.sft_step(sft_sequences())
    learner.save(str(tmp_path / "saved"))
    learner.saved()
    return tmp_path / "saved"


def bits(learner) -> dict[str, torch.Tensor]:
    """Weights, both moments and step counts."""
    found = {}
    for name, parameter in learner._model.lm.named_parameters():
        state = {"weight": parameter, **learner._adam.state[parameter]}
        found |= {
            f"{name}.{key}": getattr(t, "full_tensor", lambda t=t: t)().clone() for key, t in state.items()
        }
    return found


def same(one: dict, other: dict) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_what_is_saved_is_the_state_at_the_call_although_training_goes_on(tmp_path, model, new_learner, held):
    learner = new_learner(model)
    learner.sft_step(sft_sequences())
    before = bits(learner)
    learner.save(str(tmp_path / "ckpt"), {"eval/strict_accuracy": 0.5})
    learner.sft_step(sft_sequences(seed=1))
    assert not same(bits(learner), before)
    assert not (tmp_path / "ckpt" / "done").exists()
    held.set()
    learner.saved()
    other = new_learner(model)
    assert other.load(str(tmp_path / "ckpt")) == 1
    assert same(bits(other), before)
    assert read_mark(str(tmp_path / "ckpt")).notes == {"eval/strict_accuracy": 0.5}
    assert read_mark(str(tmp_path / "ckpt")).files.keys() == {".metadata", "__0_0.distcp"}


def test_a_second_save_waits_for_the_first(tmp_path, model, new_learner, held):
    learner = new_learner(model)
    learner.save(str(tmp_path / "one"))
    threading.Timer(0.05, held.set).start()
    learner.save(str(tmp_path / "two"))
    assert (tmp_path / "one" / "done").exists()
    learner.saved()
    assert (tmp_path / "two" / "done").exists()


def test_nothing_to_wait_for(model, new_learner):
    new_learner(model).saved()


def test_all_is_on_the_disk_before_the_mark(tmp_path, model, new_learner, monkeypatch):
    """Every fsync and rename in order, and of a file how much of it had been handed to the system."""
    run = tmp_path / "run"
    folder = run / "grpo" / "checkpoints" / "step_000001"
    done, fsync, replace, rename = [], os.fsync, os.replace, Path.rename

    def name(place) -> str:
        inside = str(Path(place).relative_to(tmp_path))
        return "done.tmp" if "done." in inside else inside.removeprefix("run/grpo/checkpoints/step_000001/")

    def noting_fsync(handle):
        place = os.readlink(f"/proc/self/fd/{handle}")
        done.append(("sync", name(place), os.fstat(handle).st_size if Path(place).is_file() else None))
        fsync(handle)

    def noting_replace(place, target):
        done.append(("move", name(place), name(target)))
        replace(place, target)

    def noting_rename(place, target):
        done.append(("move", name(place), name(target)))
        return rename(place, target)

    monkeypatch.setattr(os, "fsync", noting_fsync)
    monkeypatch.setattr(os, "sync", lambda: done.append("all disks of the machine"))
    monkeypatch.setattr(os, "replace", noting_replace)
    monkeypatch.setattr(Path, "rename", noting_rename)
    learner = new_learner(model)
    learner.save(str(folder))
    learner.saved()
    size = {file.name: file.stat().st_size for file in folder.iterdir()}
    folders = [("sync", name(place), None) for place in (folder, *folder.parents[:3])]
    assert done == [
        ("sync", "__0_0.distcp", size["__0_0.distcp"]),
        ("sync", ".metadata.tmp", size[".metadata"]),
        ("move", ".metadata.tmp", ".metadata"),
        *folders,
        ("sync", "done.tmp", size["done"]),
        ("move", "done.tmp", "done"),
        folders[0],
    ]


def test_what_cannot_be_written_is_told_when_it_is_waited_for(tmp_path, model, new_learner, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    learner = new_learner(model)
    with monkeypatch.context() as broken:
        broken.setattr(checkpoint_files, "sync_file", full)
        learner.save(str(tmp_path / "one"))
        with pytest.raises(RunFolderError, match="could not be written") as told:
            learner.saved()
        assert str(told.value).startswith(f"{tmp_path}/one: ")
        assert "rank 0: [Errno 28] No space left on device; " in str(told.value)
        learner.saved()  # told once
        learner.save(str(tmp_path / "two"))
        with pytest.raises(RunFolderError, match="two: the checkpoint could not be written"):
            learner.save(str(tmp_path / "three"))
    assert not list(tmp_path.glob("*/done"))
    learner.save(str(tmp_path / "four"))
    learner.saved()
    assert (tmp_path / "four" / "done").exists()


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "file", "why"),
    [
        (Path.unlink, "__0_0.distcp", "__0_0.distcp is gone"),
        (cut, "__0_0.distcp", "__0_0.distcp has "),
        (flip, "__0_0.distcp", "__0_0.distcp holds other bytes than were written"),
        (Path.unlink, ".metadata", ".metadata is gone"),
        (flip, ".metadata", ".metadata holds other bytes than were written"),
        (cut, "done", "its mark 'done' does not list its files"),
        (Path.unlink, "done", "it was never written to its end"),
    ],
)
def test_damage_is_named_and_nothing_is_restored(saved, model, new_learner, damage, file, why):
    damage(saved / file)
    learner = new_learner(model)
    before = bits(learner)
    with pytest.raises(DamagedFolderError) as told:
        learner.load(str(saved))
    assert str(saved) in str(told.value)
    assert why in str(told.value)
    assert learner.step == 0
    assert same(bits(learner), before)


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.EIO, DamagedFolderError), (errno.EACCES, RunFolderError)]
)
def test_a_disk_that_fails_is_damage_and_a_lack_of_permission_is_not(
    saved, model, new_learner, monkeypatch, number, kind
):
    def unreadable(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(outputs, "_file_digest", unreadable)
    with pytest.raises(RunFolderError, match=os.strerror(number)) as told:
        new_learner(model).load(str(saved))
    assert type(told.value) is kind
    assert str(saved) in str(told.value)


def test_another_models_checkpoint_is_no_damage(saved, tmp_path, new_learner):
    other = new_learner(make_model(tmp_path / "other", tied=False))
    with pytest.raises(RunFolderError, match="is whole, but cannot be loaded here: rank 0: ") as told:
        other.load(str(saved))
    assert type(told.value) is RunFolderError


def test_a_checkpoint_of_the_trained_part_alone(tmp_path, one_rank):
    def frozen_below():
        torch.manual_seed(len(list(tmp_path.iterdir())))  # each time other weights
        model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
        model[0].requires_grad_(False)
        return model, torch.optim.AdamW(model[1].parameters(), lr=0.1)

    model, adam = frozen_below()
    model(torch.ones(2)).sum().backward()
    adam.step()
    state = learner_state(model, adam, 3, trained_only=True)
    assert state["model"].keys() == {"1.weight", "1.bias"}
    saves = checkpointing.BackgroundSaves()
    saves.begin(str(tmp_path / "ckpt"), state, {})
    saves.wait()
    other, other_adam = frozen_below()
    kept = other[0].weight.clone()
    assert load_state(str(tmp_path / "ckpt"), other, other_adam, trained_only=True) == 3
    assert torch.equal(other[1].weight, model[1].weight)
    assert torch.equal(other_adam.state[other[1].weight]["exp_avg"], adam.state[model[1].weight]["exp_avg"])
    assert torch.equal(other[0].weight, kept)
    assert not torch.equal(other[0].weight, model[0].weight)


def test_behind_a_url_it_is_checked_as_well(model, new_learner):
    import fsspec

    learner = new_learner(model)
    learner.save("memory://checked/ckpt")
    learner.saved()
    fsspec.filesystem("memory").pipe("/checked/ckpt/__0_0.distcp", b"short")
    with pytest.raises(DamagedFolderError, match=r"__0_0\.distcp has 5 bytes"):
        new_learner(model).load("memory://checked/ckpt")


def test_one_process_group_serves_all_saves(tmp_path, new_learner, monkeypatch):
    from psyche_rl.learner import checkpointing

    groups, new_group = [], checkpointing.dist.new_group

    def counted(**how):
        groups.append(how)
        return new_group(**how)

    monkeypatch.setattr(checkpointing.dist, "new_group", counted)
    learner = new_learner(make_model(tmp_path / "model"))
    for place in ("a", "b"):
        learner.save(str(tmp_path / place))
        learner.saved()
    assert groups == [{"backend": "gloo", "timeout": checkpointing.PATIENCE}]
