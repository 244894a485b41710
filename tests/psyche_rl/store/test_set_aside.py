"""Folders set aside: they come back whole, whenever the process is cut."""

from __future__ import annotations

import pytest
from keyed_files import keyed_url

from psyche_rl.store import RunStore
from psyche_rl.store.set_aside import SetAside, recover

FOLDERS = ("sft", "grpo", "eval")
OLD = {
    "sft/model/config.json": b"old sft",
    "sft/model/deep/w.bin": b"old w",
    "grpo/metrics.jsonl": b"old grpo",
}


class Cut(BaseException):
    """Stands in for SIGKILL."""


@pytest.fixture(params=["local", "keyed"])
def store(request, tmp_path) -> RunStore:
    store = RunStore(str(tmp_path / "run") if request.param == "local" else keyed_url())
    for rel, data in {**OLD, "manifest.json": b"{}", "synth/kept.parquet": b"kept"}.items():
        store.write_bytes(rel, data)
    return store


def contents(store: RunStore) -> dict[str, bytes]:
    return {rel: store.read_bytes(rel) for rel in store.files("")}


def test_set_aside_and_restored_is_as_before(store):
    before = contents(store)
    aside = SetAside.of(store, FOLDERS)
    assert not store.exists("sft/model/config.json")
    assert not store.exists("grpo/metrics.jsonl")
    assert store.exists("synth/kept.parquet")
    store.write_text("sft/quarantine.parquet", "what the redo wrote before it failed")
    store.write_text("eval/new.txt", "")
    aside.restore()
    assert contents(store) == before
    assert not store.exists(".aside")


def test_discarded_is_gone_and_the_redo_stays(store):
    aside = SetAside.of(store, FOLDERS)
    store.write_text("sft/new.txt", "new")
    aside.discard()
    assert contents(store) == {
        "manifest.json": b"{}", "synth/kept.parquet": b"kept", "sft/new.txt": b"new",
    }  # fmt: skip
    assert not store.exists(".aside")


def test_a_killed_redo_that_had_not_begun_is_undone_and_one_that_had_is_not(store):
    before = contents(store)
    SetAside.of(store, FOLDERS)
    store.write_text("sft/new.txt", "new")
    assert recover(store) == list(FOLDERS)
    assert contents(store) == before
    SetAside.of(store, FOLDERS)
    store.write_text("sft/new.txt", "new")
    store.write_text("manifest.json", '{"sft": "running"}')
    assert recover(store) == []
    assert set(contents(store)) == {"manifest.json", "synth/kept.parquet", "sft/new.txt"}
    assert recover(store) == []


@pytest.mark.parametrize("operation", ["write", "move", "remove"])
def test_wherever_the_process_is_cut_everything_comes_back(store, monkeypatch, operation):
    """The n-th change of the run folder is the last one of the process, for every n."""
    before, name = contents(store), {"write": "write_bytes", "move": "move", "remove": "remove"}[operation]
    cuts = 0
    for fatal in range(20):
        real, left = getattr(RunStore, name), [fatal]

        def deadly(self, *arguments, real=real, left=left):
            if not left[0]:
                raise Cut
            left[0] -= 1
            return real(self, *arguments)

        with monkeypatch.context() as patch:
            patch.setattr(RunStore, name, deadly)
            try:
                aside = SetAside.of(store, FOLDERS)
                with monkeypatch.context() as redo:
                    redo.setattr(RunStore, name, real)
                    store.write_text("sft/new.txt", "new")
                aside.restore()
            except Cut:
                cuts += 1
        recover(store)
        assert contents(store) == before, (operation, fatal)
    assert cuts > 2


def test_files_half_moved_on_an_object_store_come_back(monkeypatch):
    store = RunStore(keyed_url())
    for rel, data in OLD.items():
        store.write_bytes(rel, data)
    before, moved, real = contents(store), [], store.fs.mv

    def deadly(source, target, **options):
        if "/sft/" in source and moved:
            raise Cut
        if "/sft/" in source:
            moved.append(source)
        real(source, target, **options)

    monkeypatch.setattr(store.fs, "mv", deadly)
    with pytest.raises(Cut):
        SetAside.of(store, FOLDERS)
    monkeypatch.undo()
    assert contents(store) != before
    recover(store)
    assert contents(store) == before
