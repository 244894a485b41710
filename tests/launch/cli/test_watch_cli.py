"""``psyche-rl watch``: one picture, or a line a step until the stage ends."""

from __future__ import annotations

import json
import time

import pytest
from typer.testing import CliRunner

from launch.cli.app import app
from launch.cli.watch import draw, follow
from psyche_rl.store import Manifest, RunStore, StageEntry
from psyche_rl.store.lock import LOCK
from psyche_rl.store.lock_holder import this_process
from psyche_rl.watch.picture import look

NOW = time.time()


@pytest.fixture
def store(tmp_path) -> RunStore:
    made = RunStore(str(tmp_path))
    Manifest(created="t", stages={"grpo": StageEntry(status="running", started="t")}).save(made)
    made.write_bytes(LOCK, this_process(NOW).model_dump_json().encode())
    return made


def step(store: RunStore, number: int) -> None:
    store.append_text("grpo/metrics.jsonl", json.dumps({"step": number, "reward/mean": 0.5}) + "\n")


def test_once_is_one_picture_however_the_stage_is(store):
    step(store, 3)
    told = CliRunner().invoke(app, ["watch", store.url, "--once"])
    assert told.exit_code == 0
    assert told.stdout == f"run      {store.url}\nstage    grpo, running\nstep     3\nfigures  reward 0.5\n"


def test_a_stage_that_is_over_is_one_picture(store):
    step(store, 3)
    store.remove(LOCK)
    assert "stage    grpo, cut off\n" in CliRunner().invoke(app, ["watch", store.url]).stdout


def test_each_new_step_is_a_line_and_the_end_of_the_stage_the_last(store, capsys):
    done = Manifest(created="t", stages={"grpo": StageEntry(status="done", started="t")})
    happens = iter([lambda: step(store, 1), lambda: None, lambda: step(store, 2), lambda: done.save(store)])

    def pause() -> None:
        next(happens)()

    follow(store, look(store, NOW), pause)
    assert capsys.readouterr().out.splitlines() == [
        "grpo, running",
        "grpo step 1  reward 0.5",
        "grpo step 2  reward 0.5",
        "grpo: done",
    ]


def test_on_a_terminal_the_last_picture_stays(store, capsys):
    step(store, 1)
    done = Manifest(created="t", stages={"grpo": StageEntry(status="done", started="t")})

    def pause() -> None:
        store.append_text("grpo/metrics.jsonl", json.dumps({"step": 2, "policy/ratio_mean": 9.0}) + "\n")
        done.save(store)

    draw(store, look(store, NOW), pause)
    told = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert told[-4:] == [
        "stage grpo, done",
        "step 2",
        "figures reward 0.5",
        "alarm ratio_spike at step 2: policy/ratio_mean is 9, and should be 1",
    ]


def test_where_there_is_no_run_it_is_one_line(tmp_path):
    told = CliRunner().invoke(app, ["watch", str(tmp_path)])
    assert told.exit_code == 2
    assert told.stderr.startswith(f"error: {tmp_path}: no run here")
