"""Pictures of run folders: what is at work, how far, how fast, and what goes wrong."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime

import pytest

from psyche_rl.alarms.raised import Alarm
from psyche_rl.errors import RunFolderError
from psyche_rl.store import Manifest, RunStore, StageEntry
from psyche_rl.store.lock import LOCK
from psyche_rl.store.lock_holder import this_process
from psyche_rl.watch.picture import look
from psyche_rl.watch.told import duration, line, rows, status

NOW = time.time()


def row(step: int, **changes: float) -> dict:
    told = {
        "step": step, "reward/mean": 0.5, "kl/mean": 0.01, "staleness/mean": 1.5, "time/generate_s": 3.0,
        "time/train_s": 6.0, "time/step_s": 12.0, "throughput/tokens_per_s": 5400.0, "workers/serving": 3.0,
        "workers/loading": 1.0, "fleet/left": 2.0,
        "group/zero_variance_share": 0.25, "response/length_mean": 20.5,
    }  # fmt: skip
    return told | changes


@pytest.fixture(params=["path", "url"])
def store(request, tmp_path) -> RunStore:
    """GRPO at work: ten of forty steps are done, and the process lives."""
    made = RunStore(str(tmp_path) if request.param == "path" else f"memory://{tmp_path.name}-watch")
    stages = {
        "sft": StageEntry(status="done", started="t"),
        "grpo": StageEntry(status="running", started="t"),
    }
    Manifest(created="t", stages=stages).save(made)
    made.write_bytes(LOCK, this_process(NOW).model_dump_json().encode())
    made.write_jsonl(
        "grpo/metrics.jsonl", [{"step": 0, "eval/strict_accuracy": 0.25}, *map(row, range(1, 11))]
    )
    say(made, "grpo: begins", attempt=1)
    say(made, "grpo: starting actors", steps=40, rollout_workers=4)
    return made


def say(store: RunStore, message: str, **figures) -> None:
    moment = datetime.fromtimestamp(NOW - 75, UTC).isoformat()
    store.append_text("events.jsonl", json.dumps({"time": moment, "message": message, **figures}) + "\n")


def test_everything_that_is_asked_for_is_told(store):
    told = dict(rows(look(store, NOW), NOW))
    assert told.pop("run") == store.url
    assert told == {
        "stage": "grpo, running",
        "step": "10 of 40, 6 min 0 s left",
        "figures": "reward 0.5  kl 0.01  accuracy 0.25  staleness 1.5  zero variance 0.25  length 20.5",
        "speed": "5,400 tokens/s",
        "time": "train 50%, generate 25%",
        "workers": "3 serving, 1 loading",
        "newest": "grpo: starting actors  steps=40  rollout_workers=4  (1 min 15 s ago)",
    }


def test_one_line_for_a_step_with_its_alarms(store):
    store.append_text("grpo/metrics.jsonl", json.dumps(row(11, **{"kl/mean": 3.0})) + "\n")
    picture = look(store, NOW)
    assert picture.alarms == (Alarm("kl_spike", 11, "kl/mean is 3, it was 0.01"),)
    said = line(picture, NOW)
    assert said.startswith("grpo step 11 of 40, 5 min 48 s left  reward 0.5  kl 3 ")
    assert said.endswith("5,400 tokens/s  ALARM kl_spike at step 11: kl/mean is 3, it was 0.01")


def test_before_the_first_step_it_says_what_is_waited_for(store):
    store.remove("grpo/metrics.jsonl")
    picture = look(store, NOW)
    assert (picture.step, picture.total, picture.left_s) == (None, 40, None)
    assert line(picture, NOW) == (
        "grpo, running  grpo: starting actors  steps=40  rollout_workers=4  (1 min 15 s ago)"
    )


def test_the_steps_are_those_of_the_newest_attempt(store):
    say(store, "grpo", done="12/48 steps", left="3 s")
    assert look(store, NOW).total == 48
    say(store, "grpo: begins", attempt=2)
    assert look(store, NOW).total is None
    assert dict(rows(look(store, NOW), NOW))["step"] == "10"
    say(store, "grpo: starting actors", steps=44)
    say(store, "sft: starting actors", steps=7)
    assert look(store, NOW).total == 44


def test_a_step_that_does_not_end_is_a_stall_although_no_row_says_so(tmp_path):
    store = RunStore(str(tmp_path))
    Manifest(created="t", stages={"grpo": StageEntry(status="running", started="t")}).save(store)
    store.write_bytes(LOCK, this_process(NOW).model_dump_json().encode())
    store.write_jsonl("grpo/metrics.jsonl", map(row, range(1, 11)))
    os.utime(tmp_path / "grpo/metrics.jsonl", (NOW - 100, NOW - 100))
    (alarm,) = look(store, NOW).alarms
    assert str(alarm) == "stall at step 11: the step has been under way for 100 s, where 12 s are usual"
    assert look(store, NOW - 40).alarms == ()
    store.remove(LOCK)  # nobody is at work
    assert look(store, NOW).alarms == ()


def test_a_stage_whose_process_is_gone_was_cut_off_and_does_not_work(store):
    store.remove(LOCK)
    picture = look(store, NOW)
    assert (picture.works, status(picture)) == (False, "cut off")
    assert dict(rows(picture, NOW))["step"] == "10 of 40"


def test_where_nothing_is_at_work_it_is_the_last_stage_that_trained(store):
    stages = {n: StageEntry(status="done", started="t") for n in ("sft", "grpo", "eval", "report")}
    Manifest(created="t", stages=stages).save(store)
    store.write_jsonl("report/metrics.jsonl", [{"step": 99}])
    picture = look(store, NOW)
    assert (picture.stage, picture.status, picture.step, picture.works) == ("grpo", "done", 10, False)
    assert look(store, NOW, "report").step is None


def test_a_line_that_is_being_written_is_left_out(store):
    store.append_text("events.jsonl", '{"time": "2026-')
    store.append_text("grpo/metrics.jsonl", '{"step": 1')
    assert look(store, NOW).step == 10


def test_a_run_that_has_not_begun_and_a_folder_without_one(tmp_path):
    store = RunStore(str(tmp_path))
    with pytest.raises(RunFolderError, match=r"no run here \(manifest.json is missing\)"):
        look(store, time.time())
    Manifest(created="t").save(store)
    assert rows(look(store, NOW), NOW) == [("run", store.url), ("stage", "none yet, pending")]


@pytest.mark.parametrize(("seconds", "told"), [(7200, "2 h 0 min"), (3599, "59 min 59 s"), (59.4, "59 s")])
def test_durations(seconds, told):
    assert duration(seconds) == told
