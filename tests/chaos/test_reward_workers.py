"""Reward workers are killed, again and again, while GRPO runs: no sample is lost, none is scored twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest
from killable_run import REPOSITORY, command, environment, metrics

from actors.scoring.tries import TRIES
from rewards import RewardSample, exam_reward

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1500)]

STEPS, SAMPLES = 4, 4 * 16
NOTED_BETWEEN = 4  # samples noted between two deaths
RUN_S = 1200.0


def test_killed_reward_workers_cost_nothing(tmp_path):
    notes, run = tmp_path / "notes", tmp_path / "run"
    rule = {
        "reward": f"{REPOSITORY}/tests/chaos/noted_reward.py:NotedExam",
        "notes": str(notes),
        "each_s": 0.1,
    }
    (tmp_path / "set.yaml").write_text(json.dumps(rule), "utf-8")
    settings = (
        "tests/e2e/tiny.yaml", f"run_dir={run}", f"grpo.max_steps={STEPS}", "grpo.eval_every=0",
        f"grpo.reward.config={tmp_path / 'set.yaml'}", "grpo.reward.workers=2",
    )  # fmt: skip
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            command("run", *settings),
            cwd=REPOSITORY,
            env={**environment(), "PYTHONPATH": str(REPOSITORY)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            killed = kill_workers_until_it_ends(process, notes)
        finally:
            process.kill()
            process.wait()
    assert process.returncode == 0, (tmp_path / "log").read_text("utf-8")[-8000:]
    assert len(killed) >= 5

    files = sorted(run.glob("grpo/rollouts/*.parquet"))
    rows = [row for file in files for row in pq.read_table(file).to_pylist()]
    assert len(rows) == SAMPLES
    assert set(Counter(row["sample_id"] for row in rows).values()) == {1}
    assert [row["reward_error"] for row in rows] == [None] * SAMPLES
    sampled = {row["sample_id"] for row in rows}
    # The self-test at the start notes its own probes.
    noted = [sample for sample in notes.read_text("utf-8").split() if sample in sampled]
    assert set(noted) == sampled
    # What a process has noted but not answered when it is killed must be asked again: one sample per death.
    assert len(noted) <= SAMPLES + len(killed)
    reached = [row["step"] for row in metrics(run, "grpo")]
    assert reached == list(range(1, STEPS + 1))
    assert {row["reward/errors"] for row in metrics(run, "grpo")} == {0.0}
    assert (run / "report" / "report.json").exists()
    assert {row["reward"] for row in rows} <= {exam_reward(1.0, 0.5).score(s).value for s in all_kinds()}


def all_kinds() -> list[RewardSample]:
    """A reply of each worth."""
    replies = ("", "答案：A", "<think>想</think>B", "<think>想</think>A")
    return [RewardSample(id="0", response=r, gold="A", kind="single", options=("甲", "乙")) for r in replies]


def kill_workers_until_it_ends(process: subprocess.Popen[bytes], notes: Path) -> list[int]:
    """SIGKILL a scoring process in the midst of a sample whenever some have been noted: the youngest, the
    oldest, in turn. No sample costs so many workers that it is given up, however slow the machine is."""
    killed: list[int] = []
    died_at: Counter[str] = Counter()
    deadline = time.monotonic() + RUN_S
    awaited = NOTED_BETWEEN
    while process.poll() is None and time.monotonic() < deadline:
        noted = len(lines(notes))
        workers = scoring_processes(process.pid) if noted >= awaited else []
        if workers:
            victim = workers[-(len(killed) % 2)]
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGSTOP)  # so that what it is at stays so
                sample = in_hand(victim, notes)
                if sample is None or died_at[sample] + 1 >= TRIES:
                    os.kill(victim, signal.SIGCONT)
                else:
                    os.kill(victim, signal.SIGKILL)
                    died_at[sample] += 1
                    killed.append(victim)
                    awaited = noted + NOTED_BETWEEN
        time.sleep(0.02)
    return killed


def in_hand(worker: int, notes: Path) -> str | None:
    """The sample that a stopped process has begun and not noted."""
    begun = [line.split()[1] for line in lines(Path(f"{notes}.begun")) if line.startswith(f"{worker} ")]
    return begun[-1] if begun and begun[-1] not in lines(notes) else None


def lines(file: Path) -> list[str]:
    return file.read_text("utf-8").splitlines() if file.exists() else []


def scoring_processes(driver: int) -> list[int]:
    """Ids of living processes that a fork server of the driver's has forked, in order."""
    try:
        family = psutil.Process(driver).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    servers = {p.pid for p in family if is_fork_server(p)}
    return sorted(p.pid for p in family if is_fork_server(p) and p.ppid() in servers)


def is_fork_server(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return "actors.scoring.fork_server" in " ".join(process.cmdline())
    return False
