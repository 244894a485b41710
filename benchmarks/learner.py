"""The learner's speed and memory, as ratios measured side by side.

    python benchmarks/learner.py [--rounds 2]

- samples per second of our GRPO over TRL's GRPOTrainer (the better of one and two threads), same model,
  prompts, lengths and reward, on two profiles: prompts of 55 tokens with replies of 20, and 200 with 60.
  Goal 2.5.
- a learner's step (backward and optimizer) against a bare torch loop over the same rows. Goal 0.9.
- fill of micro-batches for lengths like those of real runs. Goal 0.99.
- tokens saved by shared prompts, on both profiles (shown).
- private memory of all ranks while loading over float32 shards and the largest tensor
  (``learner_memory.py``). Goal 1.2.

Each side is a process of its own, in turn; of the rounds the best counts. Exit 1 if a goal is missed. Writes
benchmarks/results/learner.json.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from grpo_profiles import PROFILES
from learner_memory import loading_memory
from machine import describe_machine

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "learner.json"
GOALS = {"over_trl": 2.5, "over_bare_loop": 0.9, "fill": 0.99, "memory": 1.2}


def main() -> int:
    """Measure, write, print; the exit code tells of the goals."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=2)
    rounds = parser.parse_args().rounds
    figures: dict[str, Any] = {"machine": describe_machine(), "goals": GOALS}
    checks: list[tuple[str, float, float, bool]] = []
    for name in PROFILES:
        figures[name] = found = against_trl(name, rounds)
        ratio = found["samples_per_s_over_trl"]
        checks.append(
            (f"GRPO over TRL, profile {name}", ratio, GOALS["over_trl"], ratio >= GOALS["over_trl"])
        )
    bare = best(role("bare", "mini", 1, rounds), "ratio", max)
    figures["bare loop"] = bare
    checks.append(
        ("learner step over a bare loop", bare["ratio"], GOALS["over_bare_loop"], bare["ratio"] >= 0.9)
    )
    (filled,) = role("fill", "mini", 1, 1)
    figures["fill"] = filled
    checks.append(("fill of micro-batches", filled["fill"], GOALS["fill"], filled["fill"] >= GOALS["fill"]))
    figures["loading"] = memory = loading_memory()
    checks.append(
        ("memory while loading", memory["ratio"], GOALS["memory"], memory["ratio"] <= GOALS["memory"])
    )
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    print("| figure | measured | goal | |\n|---|---|---|---|")
    for what, measured, goal, met in checks:
        print(f"| {what} | {measured:.3g} | {goal:g} | {'met' if met else 'MISSED'} |")
    for name in PROFILES:
        print(
            f"profile {name}: shared prompts save {figures[name]['ours']['prompts_saved']:.0%} of the tokens"
        )
    return 0 if all(met for *_, met in checks) else 1


def against_trl(name: str, rounds: int) -> dict[str, Any]:
    """Ours and TRL's in turn, so that what else the machine does meets both."""
    ours, theirs = [], []
    for _ in range(rounds):
        ours += role("ours", name, 2, 1)
        theirs += [{**row, "threads": n} for n in (1, 2) for row in role("trl", name, n, 1)]
    one, other = best(ours, "step_s", min), best(theirs, "step_s", min)
    samples = PROFILES[name].prompts * PROFILES[name].group
    return {
        "ours": one,
        "trl": other,
        "samples_per_s": samples / one["step_s"],
        "samples_per_s_trl": samples / other["step_s"],
        "samples_per_s_over_trl": other["step_s"] / one["step_s"],
    }


def best(rows: list[dict[str, float]], figure: str, pick: Any) -> dict[str, float]:
    found: dict[str, float] = pick(rows, key=lambda row: row[figure])
    return found


def role(name: str, profile: str, threads: int, rounds: int) -> list[dict[str, float]]:
    """The figures of a role, from processes of its own."""
    command = [sys.executable, str(ROOT / "benchmarks" / "grpo_profiles.py"), name, profile, str(threads)]
    env = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)}
    found = []
    for _ in range(rounds):
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"error: {' '.join(command)} failed:\n{done.stderr[-2000:]}")
        found.append(json.loads(done.stdout.strip().splitlines()[-1]))
        print(f"{name} {profile}, {threads} threads: {found[-1]}", file=sys.stderr)
    return found


if __name__ == "__main__":
    sys.exit(main())
