"""Nothing stands under its name before it is whole, whatever goes wrong."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest

from psyche_rl.store import RunStore, atomic
from psyche_rl.store.atomic import (
    aside,
    folder_or_url,
    remove_left_overs,
    replace_folder,
    target_of,
    written_file,
    written_folder,
)

ROOT = Path(__file__).resolve().parents[3]
LOCAL = fsspec.filesystem("file")


def interrupted_after(work: Callable[..., object], *arguments: object) -> None:
    work(*arguments)
    raise KeyboardInterrupt


def test_a_file_is_the_old_one_until_the_block_ends(tmp_path):
    target = tmp_path / "a.txt"
    target.write_bytes(b"old")
    with written_file(LOCAL, str(target)) as file:
        file.write(b"new")
        file.flush()
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [target]


def test_a_failed_file_leaves_the_old_one_and_nothing_else(tmp_path):
    target = tmp_path / "a.txt"
    target.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), written_file(LOCAL, str(target)) as file:
        interrupted_after(file.write, b"ne")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_behind_a_url():
    memory = fsspec.filesystem("memory")
    with written_file(memory, "/atomic/a") as file:
        file.write(b"new")
        assert not memory.exists("/atomic/a")
    assert memory.cat_file("/atomic/a") == b"new"
    assert [path for path in memory.find("/atomic") if ".tmp" in path] == []


def test_two_writers_of_a_file_do_not_meet(tmp_path):
    target = str(tmp_path / "a")
    with written_file(LOCAL, target) as one, written_file(LOCAL, target) as other:
        one.write(b"one")
        other.write(b"other")
    assert Path(target).read_bytes() == b"one"  # it ended last


def test_a_folder_takes_the_place_of_another(tmp_path):
    target = tmp_path / "deep" / "model"
    for content in ("old", "new"):
        with written_folder(target) as folder:
            (folder / content).touch()
            assert not (target / content).exists()
        assert [file.name for file in target.iterdir()] == [content]
    assert [file.name for file in target.parent.iterdir()] == ["model"]


def test_a_failed_folder_leaves_the_old_one(tmp_path):
    target = tmp_path / "model"
    target.mkdir()
    (target / "old").touch()
    with pytest.raises(KeyboardInterrupt), written_folder(target) as folder:
        interrupted_after((folder / "new").touch)
    assert [file.name for file in tmp_path.rglob("*")] == ["model", "old"]


def test_what_a_killed_writer_left_goes_and_what_others_have_stays(tmp_path):
    left, theirs = Path(aside(str(tmp_path / "model"))), tmp_path / "model.mine.tmp"
    left.mkdir()
    theirs.mkdir()
    with written_folder(tmp_path / "model"):
        pass
    assert sorted(file.name for file in tmp_path.iterdir()) == ["model", "model.mine.tmp"]


def test_a_kill_between_two_names_leaves_no_half(tmp_path, monkeypatch):
    """Only renames come before the new folder has its name."""
    place, target = tmp_path / "place", tmp_path / "target"
    for folder in (place, target):
        folder.mkdir()
        (folder / folder.name).touch()
    done = list[str]()
    monkeypatch.setattr(atomic.shutil, "rmtree", lambda *_, **__: done.append("removed"))
    rename = os.replace

    def replace(*names):
        assert not done
        rename(*names)

    monkeypatch.setattr(atomic.os, "replace", replace)
    replace_folder(place, target)
    assert [file.name for file in target.iterdir()] == ["place"]
    assert done == ["removed"]


def test_there_is_one_definition():
    for package in ("psyche_rl", "actors", "data_pipeline", "launch"):
        for file in (ROOT / package).rglob("*.py"):
            names = {
                f"{node.value.id}.{node.attr}"
                for node in ast.walk(ast.parse(file.read_text("utf-8")))
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
            }
            if file.parent != ROOT / "psyche_rl" / "store":  # which also moves folders
                assert not names & {"os.replace", "os.rename", "tempfile.mkdtemp", "tempfile.mkstemp"}, file


def test_what_is_to_stay_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    target, done = tmp_path / "a", []
    monkeypatch.setattr(
        atomic.os, "fsync", lambda handle: done.append(os.readlink(f"/proc/self/fd/{handle}"))
    )
    with written_file(LOCAL, str(target)) as file:
        file.write(b"old")
    assert done == []
    with written_file(LOCAL, str(target), durable=True) as file:
        file.write(b"new")
    assert [place.rpartition(".")[2] for place in done[:1]] == ["tmp"]
    assert done[1:] == [str(tmp_path)]
    assert target.read_bytes() == b"new"


def test_a_file_that_cannot_be_synced_does_not_take_its_name(tmp_path, monkeypatch):
    def full(_):
        raise OSError("disk full")

    target = tmp_path / "a"
    target.write_bytes(b"old")
    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(OSError, match="disk full"), written_file(LOCAL, str(target), durable=True) as file:
        file.write(b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_what_cannot_be_removed_of_a_killed_writers_is_left(tmp_path):
    left = Path(aside(str(tmp_path / "model")))
    left.write_text("no folder")
    with written_folder(tmp_path / "model"):
        pass
    assert sorted(tmp_path.iterdir()) == sorted([tmp_path / "model", left])


def test_what_a_killed_writer_left_aside_anywhere_in_a_run_is_removed_once_it_is_old(tmp_path):
    store = RunStore(str(tmp_path))
    old, folder, young = (Path(aside(str(tmp_path / "a" / name))) for name in ("x", "y", "z"))
    folder.mkdir(parents=True)
    (folder / "part").write_bytes(b"1")
    mine = tmp_path / "a" / "notes.tmp"
    for file in (old, young, mine):
        file.write_bytes(b"1")
    for place in (old, folder, mine):
        os.utime(place, (1, 1))
    remove_left_overs(store)
    assert sorted(tmp_path.rglob("*")) == sorted([tmp_path / "a", young, mine])


def test_a_name_aside_tells_its_target():
    assert target_of(aside("/run/a.b/x.parquet")) == "/run/a.b/x.parquet"
    assert target_of("/run/x.tmp") == "/run/x.tmp"


def test_what_is_made_for_a_path_replaces_its_folder_and_what_is_made_for_a_url_goes_there(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").write_text("old", "utf-8")
    with folder_or_url(str(tmp_path / "out"), last="z.json") as local:
        (local / "a").write_text("new", "utf-8")
        assert (tmp_path / "out" / "old").exists()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a"]

    url = "memory://folder_or_url/out"
    with folder_or_url(url, last="a.json") as local:
        assert "://" not in str(local)
        (local / "a.json").write_text("last", "utf-8")
        (local / "b").write_text("b", "utf-8")
    fs, root = fsspec.core.url_to_fs(url)
    assert sorted(name.removeprefix(root) for name in fs.find(root)) == ["/a.json", "/b"]
    assert fs.cat(f"{root}/b") == b"b"
