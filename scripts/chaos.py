"""Kills random processes of GRPO runs at random moments, and sees whether the books close.

    python scripts/chaos.py --runs 20 [--seed 0] [--staleness 1] [--base runs/tiny]

Role: each run is a copy of ``--base``, a run folder in which all stages before grpo are finished (made by
``tests/e2e/tiny.yaml`` where it is missing). Its grpo stage is started; after a random time SIGKILL hits a
random process of it: a rollout worker, a learner rank, the reward pool or the driver. A run whose driver is
gone is started again.

A run passes if the stage ends, all steps are there, and ``psyche-rl ledger`` says that the books close.
Exit 1 if one does not. The seed decides whom and when; what else the machine does decides the rest.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
TINY = ROOT / "tests" / "e2e" / "tiny.yaml"
VICTIMS = {
    "rollout": "ray::RolloutWorker",
    "learner": "ray::LearnerRank",
    "reward": "ray::_PoolActor",
    "driver": "",
}
STEPS = 12
LONGEST_S = 600.0
STARTS = 6


@dataclass
class Outcome:
    """What became of a run."""

    number: int
    killed: list[str] = field(default_factory=list)
    starts: int = 0
    seconds: float = 0.0
    fault: str = ""


def main() -> int:
    """Run, print a line for each, and a sum."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--staleness", type=int, default=1)
    parser.add_argument("--base", type=Path, default=ROOT / "runs" / "chaos-base")
    args = parser.parse_args()
    made_base(args.base)
    outcomes = []
    for number in range(args.runs):
        folder = args.base.parent / f"{args.base.name}-{number}"
        dice = random.Random(args.seed * 1000 + number)
        outcomes.append(one_run(number, args.base, folder, args.staleness, dice))
        print(told(outcomes[-1]), flush=True)
        if not outcomes[-1].fault:
            shutil.rmtree(folder)
    bad = [o for o in outcomes if o.fault]
    kills = [name for o in outcomes for name in o.killed]
    sums = ", ".join(f"{kills.count(name)} {name}" for name in VICTIMS)
    print(f"{len(outcomes) - len(bad)} of {len(outcomes)} runs ended with closed books; killed: {sums}")
    return 1 if bad else 0


def made_base(base: Path) -> None:
    """All stages before grpo, once."""
    if not (base / "sft" / "model").is_dir():
        for stage in ("world", "synth", "select", "sft"):
            done = subprocess.run(command(stage, base, 0), cwd=ROOT, env=environment(), check=False)
            if done.returncode:
                raise SystemExit(f"error: {stage} failed in {base}")


def command(stage: str, folder: Path, staleness: int) -> list[str]:
    settings = [f"run_dir={folder}"]
    if stage == "grpo":
        settings += [
            f"grpo.staleness={staleness}", f"grpo.max_steps={STEPS}", "grpo.rollout_workers=2",
            "grpo.ranks=1",
            "grpo.save_every=2", "grpo.failovers=5", "grpo.eval_every=0",
        ]  # fmt: skip
    return [sys.executable, "-m", "launch", stage, str(TINY), *settings]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "RAY_ADDRESS": "local"}


def one_run(number: int, base: Path, folder: Path, staleness: int, dice: random.Random) -> Outcome:
    """Start, kill, start again until it ends."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(base, folder)
    found, begun = Outcome(number), time.monotonic()
    kills = dice.choice([1, 1, 2])
    log = folder / "chaos.log"
    while found.starts < STARTS:
        found.starts += 1
        with log.open("a") as out:
            driver = subprocess.Popen(
                command("grpo", folder, staleness), cwd=ROOT, env=environment(), stdout=out, stderr=out
            )
        while driver.poll() is None and kills > len(found.killed):
            if not wait_for_step(folder, driver, dice.randrange(STEPS - 2) if not found.killed else 0):
                break
            time.sleep(dice.random() * 2)
            if (name := strike(driver, dice)) is not None:
                found.killed.append(name)
        code = ended(driver, LONGEST_S)
        if code == 0:
            found.fault = checked(folder)
            break
        if code is None or "driver" not in found.killed[-1:]:
            found.fault = f"the stage ended with {code}: {last_lines(log)}"
            break
    found.seconds = time.monotonic() - begun
    return found


def wait_for_step(folder: Path, driver: subprocess.Popen[bytes], step: int) -> bool:
    """Until the metrics know of ``step``; False where the run has ended before."""
    rows = folder / "grpo" / "metrics.jsonl"
    while driver.poll() is None:
        if rows.exists() and len(rows.read_text("utf-8", "replace").splitlines()) >= step:
            return True
        if step == 0 and processes(driver, VICTIMS["rollout"]):
            return True
        time.sleep(0.05)
    return False


def strike(driver: subprocess.Popen[bytes], dice: random.Random) -> str | None:
    """SIGKILL a random process of the run; returns what it was."""
    name = dice.choice(list(VICTIMS))
    try:
        targets = [psutil.Process(driver.pid)] if name == "driver" else processes(driver, VICTIMS[name])
        if not targets:
            return None
        dice.choice(targets).kill()
    except psutil.NoSuchProcess:
        return None
    return name


def processes(driver: subprocess.Popen[bytes], title: str) -> list[psutil.Process]:
    """Children of the driver with this title, those of its raylet among them."""
    found = []
    try:
        for child in psutil.Process(driver.pid).children(recursive=True):
            if title in " ".join(child.cmdline()):
                found.append(child)
    except psutil.NoSuchProcess:
        return []
    return found


def ended(driver: subprocess.Popen[bytes], seconds: float) -> int | None:
    """The exit code; None (and the end of what is left of it) if it takes longer."""
    family = [driver.pid]
    with suppress(psutil.NoSuchProcess):
        family += [child.pid for child in psutil.Process(driver.pid).children(recursive=True)]
    try:
        code: int | None = driver.wait(seconds)
    except subprocess.TimeoutExpired:
        code = None
    for pid in family:
        if psutil.pid_exists(pid) and (code is None or code < 0):
            with suppress(psutil.NoSuchProcess):
                psutil.Process(pid).kill()
    return code


def checked(folder: Path) -> str:
    """What is wrong with an ended run; empty if nothing is."""
    books = subprocess.run(
        [sys.executable, "-m", "launch", "ledger", str(folder), "--json"],
        cwd=ROOT, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if books.returncode:
        return f"the books do not close: {books.stdout[-600:]}{books.stderr[-300:]}"
    rows = [json.loads(line) for line in (folder / "grpo/metrics.jsonl").read_text("utf-8").splitlines()]
    steps = [row["step"] for row in rows if row["step"]]
    return "" if steps == list(range(1, STEPS + 1)) else f"steps {steps}"


def last_lines(log: Path) -> str:
    return " / ".join(log.read_text("utf-8", "replace").strip().splitlines()[-3:])


def told(outcome: Outcome) -> str:
    killed = ", ".join(outcome.killed) or "nobody in time"
    end = outcome.fault or "books closed"
    return f"run {outcome.number}: killed {killed}; {outcome.starts} starts, {outcome.seconds:.0f} s; {end}"


if __name__ == "__main__":
    sys.exit(main())
