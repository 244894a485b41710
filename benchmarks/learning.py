"""Does the mini world learn? Five fresh seeds and three ablations, each a whole ``psyche-rl run``.

    python benchmarks/learning.py [--seeds 201 202 203 204 205] [--runs runs/learning]

Goals (printed beside the figures; exit 1 if one is missed), on the test split:
GRPO minus SFT strict accuracy >= 25 points in the mean and >= 15 for each seed; SFT format rate >= 95 %.
The ablations continue a copy of the first seed's run from the stage they change.
Writes benchmarks/results/learning.json and prints a Markdown table. Finished runs are not redone.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from house import ROOT

# isort: split

from machine import describe_machine

from psyche_rl.report.accuracies import NAMES, AccuracyRow, accuracy_rows

RESULTS = ROOT / "benchmarks" / "results" / "learning.json"
GOAL_MEAN, GOAL_EACH, GOAL_FORMAT = 0.25, 0.15, 0.95
ABLATIONS = {
    "no SFT": ("sft", ["sft.skip=true"]),
    "no selection": ("select", ["select.skip=true"]),
    "format reward only": ("grpo", ["grpo.reward.answer_weight=0"]),
}


def main() -> int:
    """Run everything, write the figures, return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", default="launch/configs/mini.yaml")
    parser.add_argument("--seeds", type=int, nargs="+", default=[201, 202, 203, 204, 205])
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "learning")
    args = parser.parse_args()

    rows: dict[str, dict[str, Any]] = {}
    for seed in args.seeds:
        rows[f"seed {seed}"] = run(args.config, args.runs / f"seed-{seed}", [f"seed={seed}"])
        write(rows)
    first = args.seeds[0]
    for name, (stage, overrides) in ABLATIONS.items():
        folder = args.runs / f"seed-{first}-{name.replace(' ', '-').lower()}"
        if not (folder / "report" / "report.json").exists():
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(args.runs / f"seed-{first}", folder)
            shutil.rmtree(folder / "report")  # one that is there says that the ablation is finished
            rows[name] = run(args.config, folder, [f"seed={first}", *overrides], "--from", stage)
        else:
            rows[name] = read(folder)
        write(rows)
    print(table(rows))
    return verdict([row for name, row in rows.items() if name.startswith("seed")])


def run(config: str, folder: Path, overrides: list[str], *options: str) -> dict[str, Any]:
    """One ``psyche-rl run`` to the end; its evaluation and wall-clock seconds."""
    command = [sys.executable, "-m", "launch", "run", config, f"run_dir={folder}", *overrides, *options]
    begun = time.monotonic()
    subprocess.run(command, cwd=ROOT, check=True)
    return {**read(folder), "wall_s": round(time.monotonic() - begun, 1)}


def read(folder: Path) -> dict[str, Any]:
    """The evaluation of a finished run."""
    report = json.loads((folder / "report" / "report.json").read_text("utf-8"))
    stages = {name: stage["seconds"] for name, stage in report["stages"].items()}
    return {"evaluation": report["evaluation"], "stage_seconds": stages}


def write(rows: dict[str, dict[str, Any]]) -> None:
    """Save what is there so far."""
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    result = {"goals": {"mean": GOAL_MEAN, "each": GOAL_EACH, "sft_format": GOAL_FORMAT},
              "machine": describe_machine(), "rows": rows}  # fmt: skip
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


def table(rows: dict[str, dict[str, Any]]) -> str:
    """Markdown: strict accuracy in percent, all (single / multiple)."""
    lines = ["| run | base | SFT | GRPO | GRPO − SFT | SFT format |", "|---|---|---|---|---|---|"]
    for name, row in rows.items():
        scores = row["evaluation"]
        cells = [_cell(model) for model in accuracy_rows({m: scores[m] for m in NAMES})]
        lines.append(
            f"| {name} | {' | '.join(cells)} | {gain(row):+.1%} | {scores['sft']['format_rate']:.1%} |"
        )
    return "\n".join(lines)


def gain(row: dict[str, Any]) -> float:
    """GRPO minus SFT strict accuracy."""
    return float(row["evaluation"]["grpo"]["strict_accuracy"] - row["evaluation"]["sft"]["strict_accuracy"])


def verdict(rows: list[dict[str, Any]]) -> int:
    """Print goals beside figures; 0 if all are met."""
    gains = [gain(row) for row in rows]
    formats = [row["evaluation"]["sft"]["format_rate"] for row in rows]
    checks = [
        ("GRPO - SFT, mean", statistics.mean(gains), GOAL_MEAN),
        ("GRPO - SFT, smallest", min(gains), GOAL_EACH),
        ("SFT format rate, smallest", min(formats), GOAL_FORMAT),
    ]
    for name, figure, goal in checks:
        print(f"{'ok  ' if figure >= goal else 'MISS'} {name}: {figure:.1%} (goal {goal:.0%})")
    return 0 if all(figure >= goal for _, figure, goal in checks) else 1


def _cell(model: AccuracyRow) -> str:
    split = " / ".join(part.share for kind in ("single", "multiple") if (part := model.by_kind.get(kind)))
    return f"{model.overall.share} ({split})"


if __name__ == "__main__":
    sys.exit(main())
