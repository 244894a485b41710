"""An asynchronous run whose processes are killed one kind after another ends whole, with closed books.

``scripts/chaos.py --runs N`` does the same at random.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from finished_run import begin_at
from killable_run import REPOSITORY, environment, metrics

from launch.cli.ledger import run_balance

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1500)]

STEPS = 30
SETTINGS = (
    "tests/e2e/tiny.yaml", f"grpo.max_steps={STEPS}", "grpo.save_every=3", "grpo.staleness=2",
    "grpo.rollout_workers={min: 1, max: 3}", "grpo.eval_every=0",
)  # fmt: skip


@pytest.fixture(scope="module")
def base(finished_run, tmp_path_factory):
    """A run folder in which grpo is what comes next."""
    return begin_at("grpo", finished_run, tmp_path_factory.mktemp("async") / "base")


def begun(base: Path, name: str) -> tuple[Path, subprocess.Popen[bytes]]:
    folder = base.parent / name
    shutil.copytree(base, folder)
    return folder, started(folder)


def started(folder: Path) -> subprocess.Popen[bytes]:
    log = (folder.parent / f"{folder.name}.log").open("ab")
    command = [sys.executable, "-m", "launch", "grpo", *SETTINGS, f"run_dir={folder}"]
    return subprocess.Popen(command, cwd=REPOSITORY, env=environment(), stdout=log, stderr=log)


def at_step(folder: Path, driver: subprocess.Popen[bytes], step: int) -> None:
    deadline = time.monotonic() + 300
    while not any(row["step"] >= step for row in metrics(folder, "grpo")):
        assert driver.poll() is None, last_lines(folder)
        assert time.monotonic() < deadline, last_lines(folder)
        time.sleep(0.02)


def victim(driver: subprocess.Popen[bytes], title: str) -> psutil.Process:
    children = psutil.Process(driver.pid).children(recursive=True)
    return next(child for child in children if title in " ".join(child.cmdline()))


def said(*arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "launch", *map(str, arguments)],
        cwd=REPOSITORY,
        env={name: value for name, value in environment().items() if name != "RAY_ADDRESS"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def last_lines(folder: Path) -> str:
    return (folder.parent / f"{folder.name}.log").read_text("utf-8", "replace")[-3000:]


def ended_whole(folder: Path, driver: subprocess.Popen[bytes]) -> list[dict]:
    assert driver.wait(600) == 0, last_lines(folder)
    balance = run_balance(str(folder))
    assert balance.closes, balance.findings
    rows = metrics(folder, "grpo")
    assert [row["step"] for row in rows] == list(range(1, STEPS + 1))
    assert 0 < max(row["staleness/max"] for row in rows) <= 2
    return rows


def test_rollout_workers_die_join_and_leave_while_it_trains(base):
    folder, driver = begun(base, "rollouts")
    at_step(folder, driver, 3)
    assert said("scale", folder, "--rollouts", 3).strip() == "3 workers: 3 were asked for"
    victim(driver, "ray::RolloutWorker").kill()
    at_step(folder, driver, 8)
    shown = json.loads(said("workers", folder, "--json")) if driver.poll() is None else None
    assert shown is None or shown["wanted"] == 3
    ended_whole(folder, driver)
    events = (folder / "events.jsonl").read_text("utf-8")
    assert "rollout: worker lost" in events


def test_a_lost_learner_is_gone_back_for(base):
    folder, driver = begun(base, "learner")
    at_step(folder, driver, 7)
    victim(driver, "ray::LearnerRank").kill()
    ended_whole(folder, driver)
    assert "starts again from its checkpoint" in (folder / "events.jsonl").read_text("utf-8")


def test_a_killed_driver_is_gone_on_from(base):
    folder, driver = begun(base, "driver")
    at_step(folder, driver, 7)
    family = psutil.Process(driver.pid).children(recursive=True)
    driver.kill()
    driver.wait()
    for child in family:
        if child.is_running():
            child.kill()
    balance = run_balance(str(folder))
    assert balance.line("in flight").groups > 0
    ended_whole(folder, started(folder))
    whole = run_balance(str(folder))
    assert whole.line("abandoned").groups > 0
    assert whole.incarnations == 2
