"""Does asynchronous training learn as well as sync? The mini world, three seeds, staleness 0, 1 and 4.

    python benchmarks/async_learning.py [--seeds 301 302 303] [--runs runs/async_learning] [KEY=VALUE ...]

Each seed makes its world, data and SFT model once, in its sync run; the others continue a copy of that from
GRPO. On the test split:

- goal: the mean strict accuracy over the seeds at each staleness is at most 5 points below that of sync;
- a run is void, and proves nothing, unless its mean staleness is at least half its bound and every step had a
  gradient. Generation must be the faster side for that, so one worker generates for one rank that takes four
  optimizer steps with a reference and a pass for old log-probabilities (``SETTINGS``, the same for all).

Exit 0 if the goal is met, 1 if it is missed, 2 if a run is void. Prints a Markdown table and writes
benchmarks/results/async_learning.json. Finished runs are not redone. Further arguments override the config of
all runs.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from machine import describe_machine

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "async_learning.json"
BOUNDS = (0, 1, 4)
GOAL_BELOW, SHARE_OF_BOUND = 0.05, 0.5
SETTINGS = (
    "grpo.rollout_workers=1",
    "grpo.ranks=1",
    "grpo.mini_batch_prompts=16",
    "grpo.lr=2.0e-4",
    "grpo.max_steps=48",
    "grpo.eval_every=0",
)


@dataclass(frozen=True)
class AsyncRun:
    """A finished run. Staleness in versions, gradients as the L2 norm, accuracy on the test split."""

    seed: int
    bound: int
    sft_accuracy: float
    accuracy: float
    mean_staleness: float
    largest_staleness: float
    least_gradient: float
    steps: int
    wall_s: float

    @property
    def void(self) -> str:
        """Why the run proves nothing; empty if it does."""
        if self.mean_staleness < SHARE_OF_BOUND * self.bound:
            return f"mean staleness {self.mean_staleness:.2f} of at most {self.bound}"
        return "" if self.least_gradient > 0 else "a step had no gradient"


def main() -> int:
    """Run everything, write the figures, return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", default="launch/configs/mini.yaml")
    parser.add_argument("--seeds", type=int, nargs="+", default=[301, 302, 303])
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "async_learning")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE")
    args = parser.parse_args()

    found: list[AsyncRun] = []
    for seed in args.seeds:
        for bound in BOUNDS:
            folder = args.runs / f"seed-{seed}-staleness-{bound}"
            keys = [f"seed={seed}", f"grpo.staleness={bound}", *SETTINGS, *args.overrides]
            if bound == 0:
                seconds = run(args.config, folder, keys)
            else:
                copied(args.runs / f"seed-{seed}-staleness-0", folder)
                done = (folder / "report" / "report.json").exists()
                seconds = 0.0 if done else run(args.config, folder, keys, "--from", "grpo")
            found.append(read(folder, seed, bound, seconds))
            write(args.results, args.overrides, found)
    print(table(found))
    return verdict(found)


def run(config: str, folder: Path, keys: list[str], *options: str) -> float:
    """One ``psyche-rl run`` to the end; its wall-clock seconds, which a run that is finished has none of."""
    command = [sys.executable, "-m", "launch", "run", config, f"run_dir={folder}", *keys, *options]
    begun = time.monotonic()
    subprocess.run(command, cwd=ROOT, check=True)
    return round(time.monotonic() - begun, 1)


def copied(source: Path, folder: Path) -> None:
    """A copy of a run as far as its SFT model; one without a report that is there was cut off, and goes."""
    if (folder / "report" / "report.json").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("report", "checkpoints"))


def read(folder: Path, seed: int, bound: int, seconds: float) -> AsyncRun:
    """What a finished run's report and metrics say."""
    report = json.loads((folder / "report" / "report.json").read_text("utf-8"))
    lines = (folder / "grpo" / "metrics.jsonl").read_text("utf-8").splitlines()
    steps = [row for row in map(json.loads, lines) if "reward/mean" in row]
    return AsyncRun(
        seed=seed,
        bound=bound,
        sft_accuracy=report["evaluation"]["sft"]["strict_accuracy"],
        accuracy=report["evaluation"]["grpo"]["strict_accuracy"],
        mean_staleness=statistics.mean(row["staleness/mean"] for row in steps),
        largest_staleness=max(row["staleness/max"] for row in steps),
        least_gradient=min(row["policy/grad_norm"] for row in steps),
        steps=len(steps),
        wall_s=seconds or float(report["stages"]["grpo"]["seconds"]),
    )


def write(path: Path, overrides: list[str], found: list[AsyncRun]) -> None:
    """Save what is there so far."""
    path.parent.mkdir(parents=True, exist_ok=True)
    result = {
        "goals": {"points_below_sync": GOAL_BELOW, "mean_staleness_of_bound": SHARE_OF_BOUND},
        "settings": [*SETTINGS, *overrides],
        "machine": describe_machine(),
        "runs": [asdict(each) | {"void": each.void} for each in found],
    }
    path.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


def table(found: list[AsyncRun]) -> str:
    """Markdown, a line for each bound: accuracy of each seed and their mean, staleness over all steps."""
    lines = [
        "| staleness | SFT | accuracy by seed | mean | against sync | mean staleness | largest |",
        "|---|---|---|---|---|---|---|",
    ]
    for bound in BOUNDS:
        of = [each for each in found if each.bound == bound]
        seeds = ", ".join(f"{each.accuracy:.1%}" for each in of)
        mean = accuracy(found, bound)
        ages = statistics.mean(each.mean_staleness for each in of)
        largest = max(each.largest_staleness for each in of)
        against = f"{100 * (mean - accuracy(found, 0)):+.1f} points"
        sft = statistics.mean(each.sft_accuracy for each in of)
        lines.append(
            f"| {bound} | {sft:.1%} | {seeds} | {mean:.1%} | {against} | {ages:.2f} | {largest:.0f} |"
        )
    return "\n".join(lines)


def accuracy(found: list[AsyncRun], bound: int) -> float:
    """The mean over the seeds."""
    return statistics.mean(each.accuracy for each in found if each.bound == bound)


def verdict(found: list[AsyncRun]) -> int:
    """Print goals beside figures; 0 if all are met, 1 if one is missed, 2 if a run is void."""
    void = [each for each in found if each.void]
    for each in void:
        print(f"VOID seed {each.seed}, staleness {each.bound}: {each.void}")
    missed = 0
    for bound in BOUNDS[1:]:
        below = accuracy(found, 0) - accuracy(found, bound)
        missed += below > GOAL_BELOW
        met = "MISS" if below > GOAL_BELOW else "ok  "
        print(f"{met} staleness {bound}: {100 * below:.1f} points below sync")
    return 2 if void else min(1, missed)


if __name__ == "__main__":
    sys.exit(main())
