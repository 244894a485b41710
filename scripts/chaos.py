"""Kills random processes of GRPO runs at random moments, and sees whether the books close.

    python scripts/chaos.py --runs 100 [--seed 0] [--minutes 60] [--base runs/chaos-base]

Role: the command around ``tests/chaos/killed_run.py``, of which the slow tests do a few. Each run is a copy
of ``--base``, in which all stages before grpo are finished (made where it is missing), in asynchronous mode
on a cluster of two raylets. SIGKILL hits a rollout worker, the reference, the reward pool, a learner rank,
the driver or the raylet of the second node; a run that ends by it is started once more.

Exit 1 if a run does not end with all its steps and closed books; its folder and log stay.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "chaos"), str(ROOT / "tests" / "fakes")]

from finished_run import begin_at, make_once  # noqa: E402
from killed_run import KINDS, Outcome, Plan, killed_run  # noqa: E402
from own_cluster import OwnCluster  # noqa: E402


def main() -> int:
    """Run, print a line for each, and a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="number of the first run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=600.0, help="begin no run after so many")
    parser.add_argument("--base", type=Path, default=ROOT / "runs" / "chaos-base")
    args = parser.parse_args()
    base = args.base.resolve()
    if not (base / "sft" / "model").is_dir():
        base.parent.mkdir(parents=True, exist_ok=True)
        begin_at("grpo", make_once(base.parent), base)
    outcomes, last = [], time.monotonic() + 60 * args.minutes
    with OwnCluster() as cluster:
        for number in range(args.first, args.first + args.runs):
            if time.monotonic() > last:
                break
            folder = base.with_name(f"{base.name}-{args.seed}-{number}")
            outcome = killed_run(Plan.drawn(args.seed, number), base, folder, cluster)
            print(f"run {number}: {outcome.told()}", flush=True)
            outcomes.append(outcome)
            if not outcome.fault:
                shutil.rmtree(folder)
    print(table(outcomes))
    return 1 if any(outcome.fault for outcome in outcomes) else 0


def table(outcomes: list[Outcome]) -> str:
    """In Markdown; a row for each kind, of the runs that the kill has hit."""
    rows = [
        "| killed | runs | went on by itself | by the same command | books closed | median, s |",
        "|---" * 6 + "|",
    ]
    for kind in (*KINDS, "all"):
        hit = [o for o in outcomes if o.struck and kind in (o.plan.kind, "all")]
        itself = [o for o in hit if o.starts == 1 and not o.fault]
        again = [o for o in hit if o.starts == 2 and not o.fault]
        median = f"{statistics.median(o.seconds for o in hit):.0f}" if hit else "–"
        rows.append(
            f"| {kind} | {len(hit)} | {len(itself)} | {len(again)} | {len(itself) + len(again)} | {median} |"
        )
    late = [o for o in outcomes if not o.struck]
    if late:
        good = sum(not o.fault for o in late)
        rows.append(f"\n{len(late)} runs had ended before their moment came; in order: {good}")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
