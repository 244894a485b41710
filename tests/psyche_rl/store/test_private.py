"""Only the owner reads a run folder, unless it is to be public."""

import os
import stat

import pytest

from psyche_rl.store import RunStore
from psyche_rl.store.private import own_folder, private


def rights(path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.fixture(autouse=True)
def ordinary_mask():
    mask = os.umask(0o022)
    yield
    os.umask(mask)


@pytest.mark.parametrize(("public", "folder", "file"), [(False, 0o700, 0o600), (True, 0o755, 0o644)])
def test_rights_of_what_is_made(tmp_path, public, folder, file):
    store = RunStore(str(tmp_path / "run"))
    with private(store, public):
        store.write_text("synth/a.txt", "x")
        store.append_text("synth/a.txt", "y")
    assert (rights(tmp_path / "run"), rights(tmp_path / "run/synth")) == (folder, folder)
    assert rights(tmp_path / "run/synth/a.txt") == file
    (tmp_path / "after").write_text("x")
    assert rights(tmp_path / "after") == 0o644


def test_an_earlier_run_becomes_private_and_a_folder_that_is_no_runs_keeps_its_rights(tmp_path):
    for name, has in (("run", True), ("home", False)):
        folder = tmp_path / name
        folder.mkdir(mode=0o755)
        if has:
            (folder / "manifest.json").write_text("{}")
        with private(RunStore(str(folder))):
            pass
    assert (rights(tmp_path / "run"), rights(tmp_path / "home")) == (0o700, 0o755)


def test_a_url_has_no_rights_of_this_kind():
    with private(RunStore("memory://x")):
        assert os.umask(0o022) == 0o022


def test_a_folder_of_a_known_name_is_ours_alone(tmp_path):
    made = own_folder(tmp_path / "made")
    assert rights(made) == 0o700
    assert own_folder(made) == made


@pytest.mark.parametrize(
    ("plant", "why"),
    [
        (lambda place: place.symlink_to(place.parent), "no folder but a link"),
        (lambda place: place.write_text("x"), "no folder but a link"),
        (lambda place: place.mkdir(mode=0o777), "open to others"),
        (lambda place: (place.mkdir(mode=0o700), os.chown(place, 12345, 12345)), "somebody else"),
    ],
)
def test_what_somebody_put_in_its_place_is_refused(tmp_path, plant, why):
    try:
        plant(tmp_path / "planted")
    except PermissionError:
        pytest.skip("giving files away is for root")
    with pytest.raises(PermissionError, match=why):
        own_folder(tmp_path / "planted")
