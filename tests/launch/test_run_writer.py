"""The pipeline as the one writer of a run folder: lock, redo, damage, and the clean end. Fake stages."""

from __future__ import annotations

import os
import signal
import sys
import time
from types import SimpleNamespace

import pytest

from launch.pipeline import run_stages
from psyche_rl.config import RunConfig
from psyche_rl.errors import DataError, RunFolderError
from psyche_rl.stages import STAGES
from psyche_rl.stop import Stopped
from psyche_rl.store import Manifest, RunStore
from psyche_rl.store.lock import LOCK, RunLock
from psyche_rl.store.lock_holder import this_process
from psyche_rl.store.set_aside import SetAside

ALL = list(STAGES)
OUTPUTS = {
    "world": ("exam_dev.parquet", "exam_test.parquet", "base/config.json", "selectors/phi3/config.json"),
    "synth": ("questions.parquet", "rationales.parquet", "dialogues.parquet", "passages.parquet"),
    "select": ("sft.parquet", "grpo.parquet"),
    "sft": ("model/config.json", "model/model.safetensors"),
    "grpo": ("model/config.json", "metrics.jsonl", "rollouts/step_000001.parquet"),
    "eval": ("questions.parquet", "base.parquet"),
    "report": ("report.html",),
}


class Stages:
    """Fake stages that write their outputs; ``during[name]`` is called in the middle of one."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.during: dict = {}
        self.text = "first"

    def run(self, name: str, context) -> dict[str, int]:
        self.ran.append(name)
        context.store.write_text(f"{name}/begun.txt", self.text)
        self.during.get(name, lambda context: None)(context)
        for rel in OUTPUTS[name]:
            context.store.write_text(f"{name}/{rel}", f"{name}/{rel}")
        return {}


@pytest.fixture
def fakes(monkeypatch) -> Stages:
    stages = Stages()
    for name in ALL:
        run = SimpleNamespace(run=lambda context, name=name: stages.run(name, context))
        monkeypatch.setitem(sys.modules, f"launch.stages.{name}", run)
    return stages


def config(tmp_path, **changes) -> RunConfig:
    return RunConfig.model_validate({"run_dir": str(tmp_path / "run"), "mini": {}, "track": [], **changes})


def statuses(tmp_path) -> dict[str, str]:
    stages = Manifest.load(RunStore(str(tmp_path / "run"))).stages
    return {name: entry.status for name, entry in stages.items()}


def contents(tmp_path) -> dict[str, bytes]:
    files = (f for f in (tmp_path / "run").rglob("*") if f.is_file() and f.name != "events.jsonl")
    return {str(f.relative_to(tmp_path)): f.read_bytes() for f in files}


# -- one writer ------------------------------------------------------------------------------------
def test_a_second_writer_is_refused_and_changes_nothing(tmp_path, fakes):
    store = run_stages(config(tmp_path), ALL)
    before, lock = contents(tmp_path), RunLock(store)
    lock.acquire()
    with pytest.raises(RunFolderError, match=rf"in use by pid {os.getpid()} on .*--steal-lock"):
        run_stages(config(tmp_path), ALL, redo_from="grpo")
    lock.release()
    assert contents(tmp_path) == before
    run_stages(config(tmp_path), ALL)
    assert contents(tmp_path) == before


def test_the_lock_is_held_while_stages_run_and_given_back_when_one_fails(tmp_path, fakes):
    held: list[bool] = []

    def fails(context) -> None:
        held.append(context.store.exists(LOCK))
        raise DataError("no")

    fakes.during["synth"] = fails
    with pytest.raises(DataError):
        run_stages(config(tmp_path), ALL)
    assert held == [True]
    assert not RunStore(str(tmp_path / "run")).exists(LOCK)


def test_a_holder_whose_lock_was_stolen_writes_no_manifest(tmp_path, fakes):
    def stolen(context) -> None:
        thief = this_process(time.time())
        context.store.write_text(LOCK, thief.model_dump_json())

    fakes.during["synth"] = stolen
    with pytest.raises(RunFolderError, match="the run folder was taken by pid"):
        run_stages(config(tmp_path), ALL)
    assert fakes.ran == ["world", "synth"]
    assert statuses(tmp_path) == {"world": "done", "synth": "running"}
    assert RunStore(str(tmp_path / "run")).exists(LOCK)  # the thief's


def test_steal_lock_takes_a_live_ones_folder_and_says_from_whom(tmp_path, fakes, capsys):
    other = RunLock(RunStore(str(tmp_path / "run")))
    other.acquire()
    run_stages(config(tmp_path), ["world"], steal_lock=True)
    assert f"run folder taken over from pid {os.getpid()} on " in capsys.readouterr().err
    with pytest.raises(RunFolderError, match="was taken"):
        other.check()
    other.release()


# -- redo ------------------------------------------------------------------------------------------
def test_a_redo_that_cannot_start_leaves_everything_as_it_was(tmp_path, fakes):
    run_stages(config(tmp_path), ALL)
    before = contents(tmp_path)
    fakes.text = "second"

    def no_ray(context) -> None:
        raise RunFolderError("Ray does not start")

    fakes.during["sft"] = no_ray
    with pytest.raises(RunFolderError, match="Ray does not start"):
        run_stages(config(tmp_path, sft={"lr": 0.5}), ALL, redo_from="sft")
    assert contents(tmp_path) == before
    fakes.ran.clear()
    run_stages(config(tmp_path), ALL)
    assert fakes.ran == []


def test_a_redo_that_fails_after_it_has_begun_goes_on_where_it_was(tmp_path, fakes):
    store = run_stages(config(tmp_path), ALL)
    fakes.text = "second"

    def fails(context) -> None:
        assert store.exists("grpo/begun.txt") is False  # set aside with the rest
        context.begin()
        context.begin()
        assert not store.exists(".aside")
        raise DataError("later")

    fakes.during["sft"] = fails
    with pytest.raises(DataError):
        run_stages(config(tmp_path, sft={"lr": 0.5}), ALL, redo_from="sft")
    assert statuses(tmp_path) == {"world": "done", "synth": "done", "select": "done", "sft": "failed"}
    assert store.read_bytes("sft/begun.txt") == b"second"
    assert not store.exists("grpo")
    assert b"lr: 0.5" in store.read_bytes("config.yaml")


def test_the_old_results_are_there_until_the_redo_begins(tmp_path, fakes):
    store = run_stages(config(tmp_path), ALL)
    before = store.read_bytes("manifest.json")
    seen: list[bool] = []

    def looks(context) -> None:
        seen.append(any("sft/model/model.safetensors" in f for f in store.files(".aside")))
        seen.append(store.read_bytes("manifest.json") == before)

    fakes.during["sft"] = looks
    run_stages(config(tmp_path), ALL, redo_from="sft")
    assert seen == [True, True]
    assert not store.exists(".aside")
    assert set(statuses(tmp_path).values()) == {"done"}


def test_what_a_killed_redo_has_left_aside_comes_back_before_anything_else(tmp_path, fakes):
    store = run_stages(config(tmp_path), ALL)
    before = contents(tmp_path)
    SetAside.of(store, ["grpo", "eval", "report"])
    fakes.ran.clear()
    run_stages(config(tmp_path), ALL)
    assert fakes.ran == []
    assert contents(tmp_path) == before


# -- damage ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("lost", "stage", "why"),
    [
        ("synth", "synth", "synth/passages.parquet is gone and 3 more"),
        ("sft/model", "sft", "sft/model is gone"),
        ("grpo/rollouts", "grpo", "grpo/rollouts is gone"),
        ("report/report.html", "report", "report/report.html is gone"),
    ],
)
def test_a_stage_whose_outputs_are_gone_is_not_done(tmp_path, fakes, lost, stage, why):
    store = run_stages(config(tmp_path), ALL)
    store.remove(lost)
    fakes.ran.clear()
    with pytest.raises(RunFolderError, match=f"stage '{stage}' is damaged: {why}.*--from {stage}"):
        run_stages(config(tmp_path), ALL)
    assert fakes.ran == []
    run_stages(config(tmp_path), ALL, redo_from=stage)
    assert fakes.ran == ALL[ALL.index(stage) :]
    run_stages(config(tmp_path), ALL)


def test_all_folders_gone_is_told_by_the_first_stage(tmp_path, fakes):
    store = run_stages(config(tmp_path), ALL)
    for stage in ALL:
        store.remove(stage)
    with pytest.raises(RunFolderError, match=r"stage 'world' is damaged: .*--from world"):
        run_stages(config(tmp_path), ALL)


def test_a_shorter_output_is_damage_and_a_report_of_what_is_left_is_allowed(tmp_path, fakes):
    store = run_stages(config(tmp_path), ALL)
    store.write_text("select/sft.parquet", "cut")
    with pytest.raises(RunFolderError, match=r"select/sft.parquet has 3 bytes, recorded 18"):
        run_stages(config(tmp_path), ["grpo"])
    store.remove("select")
    run_stages(config(tmp_path), ["report"])


# -- clean end -------------------------------------------------------------------------------------
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_marks_the_stage_stopped_and_the_run_goes_on(tmp_path, fakes, number, code):
    fakes.during["grpo"] = lambda context: os.kill(os.getpid(), number)
    with pytest.raises(Stopped) as stopped:
        run_stages(config(tmp_path), ALL)
    name = signal.Signals(number).name
    assert stopped.value.exit_code == code
    assert str(stopped.value) == f"stage 'grpo' stopped by {name}; the same command goes on from here"
    assert statuses(tmp_path)["grpo"] == "stopped"
    assert not RunStore(str(tmp_path / "run")).exists(LOCK)
    fakes.during.clear()
    run_stages(config(tmp_path), ALL)
    assert set(statuses(tmp_path).values()) == {"done"}


def test_a_loop_that_heeds_says_what_it_has_kept(tmp_path, fakes):
    def loop(context) -> None:
        with context.stop.heeding():
            os.kill(os.getpid(), signal.SIGTERM)
            assert context.stop.requested
            raise context.stop.leave("after step 3 of 5")

    fakes.during["grpo"] = loop
    with pytest.raises(Stopped, match="stage 'grpo' stopped by SIGTERM, after step 3 of 5; the same"):
        run_stages(config(tmp_path), ALL)


def test_no_further_stage_begins_once_the_end_was_asked_for(tmp_path, fakes):
    def finishes(context) -> None:
        with context.stop.heeding():
            os.kill(os.getpid(), signal.SIGTERM)

    fakes.during["sft"] = finishes
    with pytest.raises(Stopped, match=r"^stopped by SIGTERM; the same command goes on from here$"):
        run_stages(config(tmp_path), ALL)
    assert fakes.ran[-1] == "sft"
    assert statuses(tmp_path)["sft"] == "done"


def test_an_error_on_the_way_out_is_still_a_stop(tmp_path, fakes):
    def actors_die(context) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            raise RuntimeError("actor died")

    fakes.during["grpo"] = actors_die
    with pytest.raises(Stopped):
        run_stages(config(tmp_path), ALL)
    assert statuses(tmp_path)["grpo"] == "stopped"


def test_a_redo_that_is_stopped_before_it_begins_is_undone(tmp_path, fakes):
    run_stages(config(tmp_path), ALL)
    before = contents(tmp_path)
    fakes.during["grpo"] = lambda context: os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(Stopped):
        run_stages(config(tmp_path), ALL, redo_from="grpo")
    assert contents(tmp_path) == before


def test_sigint_is_as_it_was(tmp_path, fakes, request):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's & would ignore
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    fakes.during["grpo"] = lambda context: os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt) as interrupted:
        run_stages(config(tmp_path), ALL)
    assert not isinstance(interrupted.value, Stopped)
    assert statuses(tmp_path)["grpo"] == "failed"
