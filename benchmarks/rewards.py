"""How fast and how right are answer extraction and scoring, beside OpenCompass's option extraction?

    python benchmarks/rewards.py [--seconds 3] [--no-pool]

One core, the labelled replies of tests/rewards (repeated): items per second of ``extract_answer`` and of
``mcq_strict``, and the share of replies whose letters are right. OpenCompass's published rule
(``first_option_postprocess``) runs on the same strings if the package ``opencompass`` is installed, else
it is skipped. That rule looks for one letter, so its share is also given on the replies whose answer is
one letter. Goal: 99 % right; the rules were corrected on these replies, so 100 % is no estimate for unseen
ones (docs/extraction.md has the shares of fresh batches). Writes benchmarks/results/rewards.json.
Then, unless told not to, ``reward_pool.py``: throughput of a pool with none and with 1 % hanging scorers.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from house import ROOT

# isort: split

from machine import describe_machine

from rewards import McqStrict, RewardSample, extract_answer

RESULTS = ROOT / "benchmarks" / "results" / "rewards.json"
SETS = ("corpus", "adversarial")
GOAL_RIGHT = 0.99
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LabelledRow = dict[str, Any]
Rule = Callable[[str, Sequence[str]], str | None]


def main() -> int:
    """Measure, write the figures, print them; exit code 1 if the goal is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=3.0, help="CPU seconds for each rate")
    parser.add_argument("--no-pool", action="store_true", help="leave the pool's throughput out")
    args = parser.parse_args()
    seconds = args.seconds
    rows = [row for name in SETS for row in read(name)]
    rules: dict[str, Rule] = {"psyche-rl": lambda text, options: extract_answer(text, options).letters}
    theirs = opencompass_rule()
    if theirs is not None:
        rules[f"opencompass {version('opencompass')}"] = theirs
    figures: dict[str, Any] = {name: measured(rule, rows, seconds) for name, rule in rules.items()}
    figures["mcq_strict"] = {"items_per_s": rate(strict_scorer(rows), seconds)}
    write(figures, len(rows))
    print(table(figures))
    right = figures["psyche-rl"]["right"]
    print(f"\n{len(rows)} replies; goal: {GOAL_RIGHT:.0%} right, measured {right:.2%}")
    missed = int(right < GOAL_RIGHT)
    if not args.no_pool:
        from reward_pool import main as pool_benchmark

        missed |= pool_benchmark([])
    return missed


def read(name: str) -> list[LabelledRow]:
    """The rows of a labelled set."""
    path = ROOT / "tests" / "rewards" / f"extraction_{name}.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def opencompass_rule() -> Rule | None:
    """OpenCompass's rule for a question's option letters, or None (with a message) if not installed.

    Only the file that holds the rule is loaded: the package around it imports whole inference engines.
    """
    try:
        package = importlib.util.find_spec("opencompass")
        if package is None or package.origin is None:
            raise ImportError("not installed")
        path = Path(package.origin).parent / "utils" / "text_postprocessors.py"
        spec = importlib.util.spec_from_file_location("opencompass_text_postprocessors", path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} cannot be loaded")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    except (ImportError, OSError) as error:
        print(
            f"opencompass skipped: {error} (pip install --no-deps opencompass mmengine "
            "yapf termcolor addict)",
            file=sys.stderr,
        )
        return None
    first_option = module.first_option_postprocess
    return lambda text, options: first_option(text, LETTERS[: len(options)] or LETTERS) or None


def measured(rule: Rule, rows: list[LabelledRow], seconds: float) -> dict[str, float]:
    """Items per second on one core, and the shares of rows whose letters are right."""
    right = [rule(row["text"], row["options"]) == row["letters"] for row in rows]
    single = [ok for ok, row in zip(right, rows, strict=True) if row["letters"] and len(row["letters"]) == 1]

    def once() -> int:
        for row in rows:
            rule(row["text"], row["options"])
        return len(rows)

    return {
        "items_per_s": rate(once, seconds),
        "right": sum(right) / len(right),
        "right_of_one_letter": sum(single) / len(single),
    }


def strict_scorer(rows: list[LabelledRow]) -> Callable[[], int]:
    """Scores every row whose answer is letters, as training does; the samples are made beforehand."""
    reward = McqStrict()
    samples = [
        RewardSample(
            id=str(at),
            response=row["text"],
            gold=row["letters"],
            kind="single",
            options=tuple(row["options"]),
        )
        for at, row in enumerate(rows)
        if row["letters"]
    ]

    def once() -> int:
        for sample in samples:
            reward.score(sample)
        return len(samples)

    return once


def rate(once: Callable[[], int], seconds: float) -> float:
    """Items per second of processor time, which other work on the machine does not stretch."""
    once()
    items, begin = 0, time.process_time()
    while time.process_time() - begin < seconds:
        items += once()
    return round(items / (time.process_time() - begin), 1)


def write(figures: dict[str, Any], n_rows: int) -> None:
    """Put the figures into the results file; what other benchmarks wrote there stays."""
    kept = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    kept["extraction"] = {"machine": describe_machine(), "replies": n_rows, "figures": figures}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", "utf-8")


def table(figures: dict[str, Any]) -> str:
    """The figures in Markdown."""
    lines = ["| | items/s on one core | right | right where the answer is one letter |", "|---|---|---|---|"]
    for name, row in figures.items():
        shares = (f"{row[key]:.1%}" if key in row else "" for key in ("right", "right_of_one_letter"))
        lines.append(f"| {name} | {row['items_per_s']:,.0f} | {' | '.join(shares)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
