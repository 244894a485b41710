"""SIGTERM and SIGHUP in the middle of training: a clean end, and a run that goes on from its last step."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from finished_run import begin_at
from killable_run import KillableRun, metrics

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1800)]

STEPS = 6
SETTINGS = ("tests/e2e/tiny.yaml", f"grpo.max_steps={STEPS}", "grpo.save_every=100", "grpo.eval_every=0")


def entry(folder: Path, stage: str) -> dict:
    return json.loads((folder / "manifest.json").read_text("utf-8"))["stages"][stage]


def steps(folder: Path) -> list[int]:
    return [row["step"] for row in metrics(folder, "grpo")]


@pytest.fixture(scope="module")
def stopped(finished_run, tmp_path_factory) -> dict:
    """One run, ended in SFT by SIGHUP and in GRPO by SIGTERM, and then left to its end."""
    base = tmp_path_factory.mktemp("clean")
    folder, found = begin_at("sft", finished_run, base / "run"), {}
    arguments = (*SETTINGS, f"run_dir={folder}")
    plan = {
        "sft": (signal.SIGHUP, lambda: len(metrics(folder, "sft")) >= 3),
        "grpo": (signal.SIGTERM, lambda: 2 in steps(folder)),
    }
    for stage, (number, ready) in plan.items():
        run = KillableRun(base / f"{stage}.log", *arguments)
        run.wait_until(ready)
        code, survivors = run.end_with(number, 120)
        kept = sorted(p.parent.name for p in folder.glob(f"{stage}/checkpoints/*/done"))
        found[stage] = (code, survivors, run.said(), entry(folder, stage), kept, metrics(folder, stage))
    KillableRun(base / "end.log", *arguments).finish(900)
    return {**found, "folder": folder}


@pytest.mark.parametrize(("stage", "code", "name"), [("sft", 129, "SIGHUP"), ("grpo", 143, "SIGTERM")])
def test_the_end_is_clean(stopped, stage, code, name):
    exit_code, survivors, said, recorded, _, _ = stopped[stage]
    assert exit_code == code, said[-4000:]
    assert survivors == []
    last = said.rstrip().splitlines()[-1]
    assert last.startswith(f"stage '{stage}' stopped by {name}, after step ")
    assert last.endswith("; the same command goes on from here")
    assert "Traceback" not in said
    assert recorded["status"] == "stopped"
    assert not (stopped["folder"] / "run.lock").exists()


@pytest.mark.parametrize("stage", ["sft", "grpo"])
def test_the_last_finished_step_is_saved_and_none_is_done_again(stopped, stage):
    _, _, _, _, kept, rows = stopped[stage]
    assert kept[-1] == f"step_{rows[-1]['step']:06d}"
    assert [row["step"] for row in metrics(stopped["folder"], stage)][: len(rows)] == [
        row["step"] for row in rows
    ]
    assert metrics(stopped["folder"], stage)[: len(rows)] == rows


def test_the_run_goes_on_to_its_end(stopped):
    assert steps(stopped["folder"])[-1] == STEPS
    assert entry(stopped["folder"], "grpo")["status"] == "done"
    assert entry(stopped["folder"], "report")["status"] == "done"
