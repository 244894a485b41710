"""One GRPO run of which a random process is killed at a random moment, and what became of it.

Role: what ``scripts/chaos.py`` and the chaos tests share. A run is a copy of a folder in which grpo comes
next (``finished_run.begin_at``); it works in an :class:`OwnCluster`. Everything random comes of a seed; what
else the machine does decides the rest.
Invariant: a run is in order if its stage has ended, by itself or by the same command once more, with all its
steps, a model, and books that close.
"""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from killable_run import REPOSITORY, environment, metrics
from own_cluster import OwnCluster

from launch.cli.ledger import run_balance
from psyche_rl.errors import PsycheError

STEPS = 8
TITLES = {
    "rollout": "ray::RolloutWorker",
    "reference": "ray::_Frozen",
    "reward": "ray::_PoolActor",
    "learner": "ray::LearnerRank",
}
KINDS = (*TITLES, "driver", "node")
LONGEST_S = 600.0
"""Of one start, on a machine that does other things too."""
POLL_S = 0.1


@dataclass(frozen=True)
class Plan:
    """Who is killed, and when: ``delay_s`` after the metrics tell of ``step``, or, with ``step`` 0, after the
    first engine is there. Six runs in a row kill one of each kind."""

    kind: str
    step: int
    delay_s: float
    workers: int
    ranks: int

    @classmethod
    def drawn(cls, seed: int, number: int) -> Plan:
        """That of run ``number``."""
        turn, place = divmod(number, len(KINDS))
        kind = random.Random(f"{seed} {turn}").sample(KINDS, len(KINDS))[place]
        dice = random.Random(f"{seed} {turn} {place}")
        step, delay_s, workers = dice.randrange(STEPS - 1), dice.uniform(0.0, 1.5), dice.choice([1, 2])
        ranks = dice.choice([1, 2]) if kind == "learner" else 1  # the loss of one befalls its peer too
        return cls(kind, step, delay_s, workers, ranks)


@dataclass
class Outcome:
    """What became of a run."""

    plan: Plan
    struck: bool = False
    """False: the run had ended before its moment came."""
    starts: int = 0
    seconds: float = 0.0
    fault: str = ""
    log: str = field(default="", repr=False)

    @property
    def recovered(self) -> str:
        """``by itself`` or ``by the same command``."""
        return "by itself" if self.starts == 1 else "by the same command"

    def told(self) -> str:
        """In one line."""
        when = f"after step {self.plan.step} + {self.plan.delay_s:.1f} s" if self.struck else "too late"
        return (
            f"{self.plan.kind} killed {when}; {self.recovered}, {self.seconds:.0f} s; "
            f"{self.fault or 'the books close'}"
        )


class GrpoRun:
    """The stage in a copy of ``base``, in ``cluster``; ``settings`` as on the command line."""

    def __init__(self, base: Path, folder: Path, cluster: OwnCluster, steps: int, *settings: str) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(base, folder)
        self.folder, self._cluster, self._steps = folder, cluster, steps
        self._log = folder.with_name(f"{folder.name}.log")
        self._log.write_text("", "utf-8")
        self._command = [
            sys.executable, "-m", "launch", "grpo", "tests/e2e/tiny.yaml", f"run_dir={folder}",
            f"grpo.max_steps={steps}", "grpo.save_every=2", "grpo.eval_every=0",
            "grpo.failovers=3", *settings,
        ]  # fmt: skip
        self.driver: subprocess.Popen[bytes] | None = None

    def start(self) -> subprocess.Popen[bytes]:
        """The same command each time."""
        with self._log.open("ab") as out:
            self.driver = subprocess.Popen(
                self._command,
                cwd=REPOSITORY,
                env=environment(RAY_ADDRESS=self._cluster.address, PYTHONPATH=str(REPOSITORY)),
                stdout=out,
                stderr=out,
            )
        return self.driver

    @property
    def step(self) -> int:
        """The last step that the metrics tell of."""
        rows = metrics(self.folder, "grpo")
        return int(rows[-1]["step"]) if rows else 0

    def wait_until(self, holds: Callable[[], bool]) -> bool:
        """False if the stage has ended before.

        Raises:
            AssertionError: neither happened in time.
        """
        assert self.driver is not None
        deadline = time.monotonic() + LONGEST_S
        while not holds():
            if self.driver.poll() is not None:
                return False
            assert time.monotonic() < deadline, self.said()
            time.sleep(POLL_S)
        return True

    def end(self) -> int | None:
        """The exit code; None, and the end of the driver, if it takes too long."""
        assert self.driver is not None
        try:
            return self.driver.wait(LONGEST_S)
        except subprocess.TimeoutExpired:
            self.driver.send_signal(signal.SIGABRT)
            with suppress(subprocess.TimeoutExpired):
                self.driver.wait(10)
            self.driver.kill()
            self.driver.wait()
            return None

    def said(self) -> str:
        """The end of its output."""
        return self._log.read_text("utf-8", "replace")[-3000:]

    def fault(self) -> str:
        """What is wrong with it now that it has ended; empty if nothing is."""
        try:
            balance = run_balance(str(self.folder))
        except PsycheError as error:
            return f"no books: {error}"
        if not balance.closes:
            return f"the books do not close: {'; '.join(balance.findings)}"
        steps = [row["step"] for row in metrics(self.folder, "grpo") if row["step"]]
        if steps != list(range(1, self._steps + 1)):
            return f"its steps are {steps}"
        issued, held = balance.line("issued").groups, balance.line("in flight").groups
        if issued < self._steps * 4 or held:
            return f"{issued} groups were issued and {held} are in flight"
        return "" if (self.folder / "grpo/model/model.safetensors").exists() else "there is no model"


def killed_run(plan: Plan, base: Path, folder: Path, cluster: OwnCluster) -> Outcome:
    """Start, kill, and start once more if the run has not gone on by itself."""
    cluster.settle()
    outcome, begun = Outcome(plan), time.monotonic()
    settings = [
        f"grpo.rollout_workers={plan.workers}", f"grpo.ranks={plan.ranks}", "grpo.staleness=1",
    ]  # fmt: skip
    if plan.kind == "reference":
        settings.append("grpo.reference_workers=1")
    run = GrpoRun(base, folder, cluster, STEPS, *settings)
    code: int | None = None
    while outcome.starts < 2 and (code is not None or not outcome.starts):
        outcome.starts += 1
        run.start()
        if not outcome.struck:
            outcome.struck = _strike_in_time(plan, run, cluster)
        if (code := run.end()) == 0:
            break
    outcome.fault = run.fault() if code == 0 else f"the stage ended with {code}"
    outcome.seconds, outcome.log = time.monotonic() - begun, run.said()
    return outcome


def _strike_in_time(plan: Plan, run: GrpoRun, cluster: OwnCluster) -> bool:
    def come() -> bool:
        return run.step >= plan.step if plan.step else bool(cluster.processes(TITLES["rollout"]))

    if not run.wait_until(come):
        return False
    time.sleep(plan.delay_s)  # the moment is random, and not one between two steps
    return _strike(plan.kind, run, cluster)


def _strike(kind: str, run: GrpoRun, cluster: OwnCluster) -> bool:
    assert run.driver is not None
    if run.driver.poll() is not None:
        return False
    if kind == "driver":
        run.driver.kill()
        return True
    if kind == "node":
        cluster.lose(cluster.nodes[0])
        return True
    victims: list[psutil.Process] = []

    def there() -> bool:
        victims[:] = cluster.processes(TITLES[kind])
        return bool(victims)

    if not run.wait_until(there):
        return False
    with suppress(psutil.NoSuchProcess):
        victims[0].kill()
        return True
    return False
