"""``psyche-rl status`` on made-up manifests."""

import io
import json

import pytest

from launch.cli.status import print_status, run_status
from psyche_rl.errors import RunFolderError
from psyche_rl.events import Events
from psyche_rl.store import Manifest, RunStore, StageEntry
from psyche_rl.store.lock import RunLock
from psyche_rl.store.outputs import record_outputs


@pytest.fixture
def run_dir(tmp_path) -> str:
    stages = {
        "world": StageEntry(
            status="done", started="t0", finished="t1", seconds=61.4, counts={"passages": 72}
        ),
        "synth": StageEntry(
            status="failed", started="t1", seconds=3.2, attempts=2, error="teacher [down] at :1"
        ),
        "select": StageEntry(status="running", started="t2"),
    }
    store = RunStore(str(tmp_path / "run"))
    Manifest(created="2026-11-23T16:00:00+00:00", stages=stages).save(store)
    store.write_text("config.yaml", "mini: {}\n")
    return store.url


def test_json_has_every_stage_with_status_counts_seconds_and_attempts(run_dir, capsys):
    print_status(run_dir, as_json=True)
    status = json.loads(capsys.readouterr().out)
    stages = status["stages"]
    assert list(stages) == ["world", "synth", "select", "sft", "grpo", "eval", "report"]
    assert stages["world"]["counts"] == {"passages": 72}
    assert (stages["world"]["status"], stages["world"]["seconds"]) == ("done", 61.4)
    assert (stages["synth"]["attempts"], stages["synth"]["error"]) == (2, "teacher [down] at :1")
    assert stages["grpo"]["status"] == "pending"


def test_table_shows_the_same_in_words(run_dir, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    print_status(run_dir, as_json=False)
    lines = {words[0]: line for line in capsys.readouterr().out.splitlines() if (words := line.split())}
    assert "done" in lines["world"]
    assert "61.4" in lines["world"]
    assert "passages 72" in lines["world"]
    assert "teacher [down] at :1" in lines["synth"]
    assert "cut off" in lines["select"]
    assert "running" not in lines["select"]
    assert "pending" in lines["report"]


def test_without_a_mini_world_there_is_no_world_stage(run_dir):
    RunStore(run_dir).write_text("config.yaml", "mini: null\n")
    Manifest(created="t").save(RunStore(run_dir))
    assert "world" not in run_status(run_dir)["stages"]


def test_a_folder_without_a_run_is_an_error_of_one_line(tmp_path):
    with pytest.raises(RunFolderError, match=r"nowhere: no run here \(manifest.json is missing\)"):
        print_status(str(tmp_path / "nowhere"), as_json=False)
    assert not (tmp_path / "nowhere").exists()


@pytest.fixture
def finished(tmp_path) -> RunStore:
    store = RunStore(str(tmp_path / "done"))
    for stage in ("select", "sft"):
        store.write_text(f"{stage}/out.parquet", stage)
    stages = {
        stage: StageEntry(status="done", started="t", outputs=record_outputs(store, [f"{stage}/out.parquet"]))
        for stage in ("select", "sft")
    }
    Manifest(created="t", stages=stages).save(store)
    return store


def test_damage_is_shown_with_what_mends_it(finished, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert run_status(finished.url)["mend"] is None
    finished.remove("sft/out.parquet")
    status = run_status(finished.url)
    assert status["stages"]["select"]["status"] == "done"
    assert status["stages"]["sft"]["status"] == "damaged"
    assert status["mend"] == "--from sft"
    print_status(finished.url, as_json=False)
    shown = capsys.readouterr().out
    assert "sft/out.parquet is gone" in shown
    assert "psyche-rl run CONFIG --from sft" in shown


def test_other_bytes_of_the_same_length_are_found_by_verify_only(finished):
    finished.write_text("select/out.parquet", "tceles")
    assert run_status(finished.url)["mend"] is None
    assert run_status(finished.url, verify=True)["mend"] == "--from select"


def test_the_lock_tells_running_from_cut_off(run_dir):
    lock = RunLock(RunStore(run_dir))
    lock.acquire()
    status = run_status(run_dir)
    assert status["stages"]["select"]["status"] == "running"
    assert status["held_by"].startswith("pid ")
    lock.release()
    status = run_status(run_dir)
    assert status["stages"]["select"]["status"] == "cut off"
    assert status["held_by"] is None


def test_of_a_stage_at_work_the_newest_step_and_the_time_left_are_shown(run_dir):
    store = RunStore(run_dir)
    lock = RunLock(store)
    lock.acquire()
    Events(store, io.StringIO()).say("select", done="70/120 questions", left="3 min")
    assert "done=70/120 questions  left=3 min" in run_status(run_dir)["stages"]["select"]["now"]
    lock.release()
    assert "now" not in run_status(run_dir)["stages"]["select"]
