"""The learner's speed and memory, as ratios measured side by side.

    python benchmarks/learner.py

- samples per second of our GRPO over TRL's GRPOTrainer (the better of one and two threads), same model,
  prompts, lengths and reward, on two profiles: prompts of 55 tokens with replies of 20, and 200 with 60.
  Goal 2.5.
- a learner's step (backward and optimizer) against a bare torch loop over the same rows. Goal 0.9.
- fill of micro-batches for lengths like those of real runs. Goal 0.99.
- tokens saved by shared prompts, on both profiles (shown).
- private memory of all ranks while loading over float32 shards and the largest tensor
  (``learner_memory.py``). Goal 1.2.

Each side is a process of its own; GRPO runs take their steps in turn (``turns.py``), and the median of
neighbours counts. Exit 1 if a goal is missed. Writes benchmarks/results/learner.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from typing import Any

from house import ROOT

# isort: split

from grpo_profiles import PROFILES
from learner_memory import loading_memory
from machine import describe_machine
from turns import Side, in_turn, over

RESULTS = ROOT / "benchmarks" / "results" / "learner.json"
GOALS = {"over_trl": 2.5, "over_bare_loop": 0.9, "fill": 0.99, "memory": 1.2}


def main() -> int:
    """Measure, write, print; the exit code tells of the goals."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    figures: dict[str, Any] = {"machine": describe_machine(), "goals": GOALS}
    checks: list[tuple[str, float, float, bool]] = []
    for name in PROFILES:
        figures[name] = found = against_trl(name)
        ratio = found["samples_per_s_over_trl"]
        checks.append(
            (f"GRPO over TRL, profile {name}", ratio, GOALS["over_trl"], ratio >= GOALS["over_trl"])
        )
    figures["bare loop"] = bare = role("bare", "mini", 1)
    checks.append(
        ("learner step over a bare loop", bare["ratio"], GOALS["over_bare_loop"], bare["ratio"] >= 0.9)
    )
    figures["fill"] = filled = role("fill", "mini", 1)
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


def against_trl(name: str) -> dict[str, Any]:
    """Ours and TRL's, step by step in turn."""
    profile, theirs = PROFILES[name], {f"trl, {n} threads": n for n in (1, 2)}
    sides = {"ours": side("ours", name, 2)} | {label: side("trl", name, n) for label, n in theirs.items()}
    took, said = in_turn(sides, profile.steps)
    ratios = {label: over(took[label], took["ours"]) for label in theirs}
    samples = profile.prompts * profile.group
    return {
        "steps_s": took,
        "ours": said["ours"],
        "samples_per_s": {label: samples / statistics.median(seconds) for label, seconds in took.items()},
        "over": ratios,
        "samples_per_s_over_trl": min(ratios.values()),
    }


def side(name: str, profile: str, threads: int) -> Side:
    """The process of a role."""
    command = [sys.executable, str(ROOT / "benchmarks" / "grpo_profiles.py"), name, profile, str(threads)]
    return Side(command, {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONPATH": str(ROOT)})


def role(name: str, profile: str, threads: int) -> dict[str, float]:
    """The figures of a role that is measured alone."""
    alone = side(name, profile, threads)
    done = subprocess.run(alone.command, env=alone.env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"error: {' '.join(alone.command)} failed:\n{done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    print(f"{name} {profile}, {threads} threads: {found}", file=sys.stderr)
    return found


if __name__ == "__main__":
    sys.exit(main())
