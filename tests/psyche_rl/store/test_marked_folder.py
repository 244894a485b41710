"""A folder counts once it is marked, and what is not as its mark says is named."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from psyche_rl.errors import DamagedFolderError, RunFolderError
from psyche_rl.store.marked_folder import Mark, check_folder, mark_folder, read_mark
from psyche_rl.store.outputs import Output


def output(data: bytes) -> Output:
    return Output(size=len(data), sha256=sha256(data).hexdigest())


@pytest.fixture
def marked(tmp_path) -> str:
    """Files a, b, c and d, each with its name in it."""
    for name in "abcd":
        (tmp_path / name).write_text(name)
    mark_folder(str(tmp_path), {name: output(name.encode()) for name in "abcd"}, {"accuracy": 0.5})
    return str(tmp_path)


def test_a_mark_says_what_the_folder_holds(marked):
    mark = read_mark(marked)
    assert mark == Mark(files={name: output(name.encode()) for name in "abcd"}, notes={"accuracy": 0.5})
    check_folder(marked, mark, verify=True)


def test_bytes_are_read_only_if_that_is_asked_for(marked):
    Path(marked, "c").write_text("C")
    check_folder(marked, read_mark(marked))
    with pytest.raises(DamagedFolderError) as told:
        check_folder(marked, read_mark(marked), verify=True)
    assert str(told.value) == f"{marked} is damaged: c holds other bytes than were written"


@pytest.mark.parametrize(("share", "seen"), [((0, 1), "abcd"), ((0, 3), "ad"), ((1, 3), "b"), ((2, 3), "c")])
def test_each_of_several_looks_at_its_share(marked, share, seen):
    mark = read_mark(marked)
    for name in "abcd":
        Path(marked, name).unlink()
        if name in seen:
            with pytest.raises(DamagedFolderError, match=f"{name} is gone"):
                check_folder(marked, mark, share=share)
        else:
            check_folder(marked, mark, share=share)
        Path(marked, name).write_text(name)


def test_without_a_mark_it_does_not_count(tmp_path):
    with pytest.raises(DamagedFolderError) as told:
        read_mark(str(tmp_path))
    assert str(told.value) == f"{tmp_path} has no mark 'done': it was never written to its end"
    assert isinstance(told.value, RunFolderError)


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b'{"files": {"a": 3}}', b"\xff\xfe"])
def test_a_mark_that_lists_no_files_is_damage(tmp_path, content):
    (tmp_path / "done").write_bytes(content)
    with pytest.raises(DamagedFolderError, match="is damaged: its mark 'done' does not list its files"):
        read_mark(str(tmp_path))


def test_behind_a_url():
    import fsspec

    fsspec.filesystem("memory").pipe("/marked/a", b"a")
    mark_folder("memory://marked", {"a": output(b"a")}, {})
    check_folder("memory://marked", read_mark("memory://marked"), verify=True)
    fsspec.filesystem("memory").pipe("/marked/a", b"b")
    with pytest.raises(DamagedFolderError, match="memory://marked is damaged: a holds other bytes"):
        check_folder("memory://marked", read_mark("memory://marked"), verify=True)
