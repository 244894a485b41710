"""Our RL system against what is possible, in ratios that are measured side by side.

    python benchmarks/rl.py                    # all parts, about 30 minutes on two cores
    python benchmarks/rl.py overlap weights    # some of them

- ``overhead``: our GRPO against a loop without any framework (``rl_overhead.py``)
- ``overlap``: our loops against a lower bound, with engines and learner that sleep (``rl_overlap.py``)
- ``weights``: publishing against memcpy, and the pause of engines (``rl_weights.py``)
- ``joining``: a new worker's first sample against its bare load time (``rl_joining.py``)

Each part runs in a process of its own. Exit 1 if a goal is missed or a part fails. What was measured is
written to benchmarks/results/rl.json; parts that were not asked for stay there as they were.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import time
from typing import Any

from house import ROOT

# isort: split

from machine import describe_machine

RESULTS = ROOT / "benchmarks" / "results" / "rl.json"
PARTS = ("overhead", "overlap", "weights", "joining")


def main() -> int:
    """Measure, write, print; the exit code tells of the goals."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    parser.add_argument("--alone", choices=PARTS, help="be the process of one part")
    args = parser.parse_args()
    if args.alone:
        print(json.dumps(importlib.import_module(f"rl_{args.alone}").measure()))
        return 0
    known: dict[str, Any] = json.loads(RESULTS.read_text("utf-8"))["parts"] if RESULTS.exists() else {}
    rows: list[tuple[str, float, float, bool]] = []
    shown: list[tuple[str, float]] = []
    for name in args.parts or PARTS:
        begun = time.perf_counter()
        found = part(name)
        if found is None:
            rows.append((f"{name} failed", float("nan"), float("nan"), False))
            continue
        took = round(time.perf_counter() - begun)
        known[name] = {"machine": describe_machine(), "seconds": took, **found}
        module = importlib.import_module(f"rl_{name}")
        checks = module.checks(found)
        shown += module.shown(found)
        known[name]["goals"] = [
            {"figure": what, "measured": measured, "goal": goal, "met": met}
            for what, measured, goal, met in checks
        ]
        rows += checks
        RESULTS.write_text(json.dumps({"parts": known}, indent=2) + "\n", "utf-8")
    print("| figure | measured | goal | |\n|---|---|---|---|")
    for what, measured, goal, met in rows:
        print(f"| {what} | {measured:.3g} | {goal:g} | {'met' if met else 'MISSED'} |")
    for what, measured in shown:
        print(f"| {what} | {measured:.3g} | – | |")
    return 0 if all(met for *_, met in rows) else 1


def part(name: str) -> dict[str, Any] | None:
    """The figures of a part, from a process of its own; None if it failed."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(ROOT / "benchmarks" / "rl.py"), "--alone", name]
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        return None
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


if __name__ == "__main__":
    sys.exit(main())
