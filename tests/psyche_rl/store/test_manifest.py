"""What stands in a manifest, and which ones are refused."""

import re

import pytest

from psyche_rl.errors import RunFolderError
from psyche_rl.store import Manifest, RunStore, StageEntry
from psyche_rl.store.manifest import SettingChange, now


@pytest.fixture
def store(tmp_path) -> RunStore:
    return RunStore(str(tmp_path))


def test_a_fresh_one_is_of_this_layout_and_moment(store):
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", now())
    fresh = Manifest.load(store)
    assert (fresh.layout, fresh.stages) == (2, {})
    assert fresh.created[:10] == now()[:10]


def test_an_entry_is_a_first_attempt_that_has_left_nothing_yet():
    assert StageEntry(status="running", started="t").model_dump() == {
        "status": "running", "started": "t", "finished": None, "seconds": 0.0, "attempts": 1,
        "settings": {}, "settings_hash": "", "changes": [], "environment": {}, "inputs": {}, "outputs": {},
        "counts": {}, "error": None,
    }  # fmt: skip
    assert SettingChange(key="k", old=1, new=2, at="t").step is None


def test_figures_are_of_the_stage_and_steps_hold_every_way_of_ending():
    entry = StageEntry(status="done", started="t")
    entry.counts = {"questions": 3, "synth.clean.rows": 7, "synth.clean.ok": 5, "dedup.filtered": 1}
    assert entry.figures == {"questions": 3}
    none = {"rows": 0, "ok": 0, "filtered": 0, "failed": 0, "quarantined": 0}
    assert entry.steps == {"synth.clean": none | {"rows": 7, "ok": 5}, "dedup": none | {"filtered": 1}}


@pytest.mark.parametrize(
    ("tree", "why"),
    [
        ({"created": "t"}, "its layout is 1, this version reads 2"),
        ({"created": "t", "layout": 3}, "its layout is 3, this version reads 2"),
        ([], "its layout is None, this version reads 2"),
        ({"created": "t", "layout": 2, "odd": 1}, "1 validation error for Manifest"),
    ],
)
def test_another_layout_is_refused_in_one_line(store, tree, why):
    store.write_json("manifest.json", tree)
    with pytest.raises(RunFolderError) as caught:
        Manifest.load(store)
    assert str(caught.value) == (
        f"{store.path('manifest.json')} is not a manifest of this version ({why}); use a new run_dir"
    )


def test_text_is_appended_to_a_file_that_is_not_there_yet_and_to_one_that_is(store):
    store.append_text("deep/log.txt", "一\n")
    store.append_text("deep/log.txt", "二\n")
    assert store.read_bytes("deep/log.txt").decode() == "一\n二\n"
