"""How fast are stored replies scored, beside lm-evaluation-harness on the same replies?

    python benchmarks/evaluation.py [--items 2000] [--repeats 3]

The mini world's exam, its items repeated, one reply each, as long as a reasoning model's. Three ways to the
same accuracy, in seconds of processor time on one core, the best of the repeats:
- psyche-rl: what ``bench score`` does (reads the file, extracts, scores two metrics and what is measured
  besides), and then the figures with their clustered intervals (2,000 draws);
- lm-eval with its own means: a model that gives out the stored replies, a regular expression as filter,
  ``exact_match``; without its bootstrap;
- lm-eval with the task that ``bench export`` writes.
All three must agree on the accuracy. Goal: at least as many items a second as lm-eval with the task that
``bench export`` writes, which reads the letters by the same rules. Its own means, one regular expression for
the one form that these replies have, stand beside it to show what reading any form costs.
Writes benchmarks/results/evaluation.json.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from house import ROOT

# isort: split

from machine import describe_machine

from data_pipeline.benchmarks.load_items import load_items
from data_pipeline.benchmarks.loaded_items import LoadedItems
from data_pipeline.benchmarks.stored_replies import score_stored
from psyche_rl.evaluation.benchmark_figures import figures_of
from psyche_rl.evaluation.catalogue import find_benchmark
from psyche_rl.lm_harness.task_export import export_task

RESULTS = ROOT / "benchmarks" / "results" / "evaluation.json"
THINKS = "逐项来看，先回忆概念的定义，再与题干中的情境比较，排除不符合的选项。"
OWN_TASK = """task: own_means
custom_dataset: !function psyche_rl_task.items
test_split: test
output_type: generate_until
doc_to_text: prompt
doc_to_target: gold
generation_kwargs: {until: []}
filter_list:
- name: letters
  filter:
  - {function: regex, regex_pattern: "答案：([A-Z]+)"}
  - {function: take_first}
metric_list:
- {metric: exact_match, aggregation: mean, higher_is_better: true}
"""
Replies = dict[str, str]


def main() -> int:
    """Measure, write the figures, print them; exit code 1 if the goal is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    loaded = repeated(args.items)
    replies = made_replies(loaded)
    with tempfile.TemporaryDirectory() as scratch:
        ways = [ours(loaded, replies, Path(scratch)), *theirs(loaded, replies, Path(scratch))]
        figures = {name: measured(once, args.items, args.repeats) for name, once in ways}
    accuracies = {round(found["accuracy"], 9) for found in figures.values()}
    write(figures, args.items)
    print(table(figures))
    own, lm_eval = figures["psyche-rl"]["items_per_s"], figures["lm-eval, exported task"]["items_per_s"]
    met = own >= lm_eval and len(accuracies) == 1
    print(
        f"\n{args.items} replies; goal: at least lm-eval's {lm_eval:,.0f} items/s with the same rules, "
        f"measured {own:,.0f}; ",
        end="",
    )
    print("one accuracy" if len(accuracies) == 1 else f"accuracies differ: {sorted(accuracies)}")
    return int(not met)


def repeated(count: int) -> LoadedItems:
    """The exam's items, again and again under new ids, until there are enough."""
    loaded = load_items(find_benchmark("mini_exam"), None)
    items = []
    for at in range(count):
        item = loaded.items[at % len(loaded.items)]
        asked = item.messages[-1].model_copy(update={"content": f"第{at}题\n{item.messages[-1].content}"})
        items.append(
            item.model_copy(update={"id": f"{item.id}/{at}", "messages": (asked,), "cluster": str(at)})
        )
    return LoadedItems(loaded.benchmark, tuple(items), ())


def made_replies(loaded: LoadedItems) -> Replies:
    """Item id -> a reply with 100 to 1,000 characters of reasoning; 6 of 10 are right."""
    draw = random.Random(0)
    replies = {}
    for item in loaded.items:
        letters = item.gold if draw.random() < 0.6 else draw.choice("ABCD")
        thought = THINKS * draw.randint(3, 28)
        replies[item.id] = f"<think>{thought}</think>\n答案：{letters}"
    return replies


def ours(loaded: LoadedItems, replies: Replies, scratch: Path) -> tuple[str, Callable[[], dict[str, float]]]:
    """What ``bench score`` does with a file, its printing apart."""
    file = scratch / "replies.jsonl"
    rows = (json.dumps({"id": id_, "response": text}, ensure_ascii=False) for id_, text in replies.items())
    file.write_text("".join(f"{row}\n" for row in rows), "utf-8")

    def once() -> dict[str, float]:
        begin = time.process_time()
        scored = score_stored(loaded, str(file), "stored")
        between = time.process_time()
        figures = figures_of(loaded.benchmark, scored.results)
        return {
            "seconds": between - begin,
            "figures_s": time.process_time() - between,
            "accuracy": figures.figures["mcq_strict"].value,
        }

    return "psyche-rl", once


def theirs(
    loaded: LoadedItems, replies: Replies, scratch: Path
) -> list[tuple[str, Callable[[], dict[str, float]]]]:
    """lm-eval with its own means, and with our task."""
    import lm_eval
    from lm_eval.api.model import LM
    from lm_eval.tasks import TaskManager

    task = export_task(loaded.benchmark, loaded.items, scratch).task
    (scratch / task / "own_means.yaml").write_text(OWN_TASK, "utf-8")
    by_prompt = {item.messages[-1].content: replies[item.id] for item in loaded.items}
    manager = TaskManager(include_path=str(scratch), include_defaults=False)

    class Replayed(LM):
        """A model that says what was stored."""

        def generate_until(self, requests: Any, **_: Any) -> list[str]:
            return [by_prompt[request.args[0]] for request in requests]

        loglikelihood = loglikelihood_rolling = generate_until

    def way(name: str, metric: str) -> Callable[[], dict[str, float]]:
        def once() -> dict[str, float]:
            begin = time.process_time()
            found = lm_eval.simple_evaluate(
                model=Replayed(), tasks=[name], task_manager=manager, bootstrap_iters=0, log_samples=True
            )
            return {
                "seconds": time.process_time() - begin,
                "accuracy": float(found["results"][name][metric]),
            }

        return once

    return [
        ("lm-eval, own means", way("own_means", "exact_match,letters")),
        ("lm-eval, exported task", way(task, "mcq_strict,none")),
    ]


def measured(once: Callable[[], dict[str, float]], items: int, repeats: int) -> dict[str, float]:
    """The fastest of several."""
    best = min((once() for _ in range(repeats)), key=lambda found: found["seconds"])
    return {"items_per_s": round(items / best["seconds"], 1), **best}


def write(figures: dict[str, Any], items: int) -> None:
    """Put the figures into the results file; what else stands there stays."""
    kept = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    kept["scoring"] = {
        "machine": describe_machine(),
        "lm_eval": version("lm_eval"),
        "replies": items,
        "goal": "at least as many items per second as lm-eval with the exported task",
        "figures": figures,
    }
    RESULTS.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", "utf-8")


def table(figures: dict[str, Any]) -> str:
    """The figures in Markdown."""
    lines = ["| | items/s on one core | intervals, s | accuracy |", "|---|---|---|---|"]
    for name, row in figures.items():
        intervals = f"{row['figures_s']:.2f}" if "figures_s" in row else ""
        lines.append(f"| {name} | {row['items_per_s']:,.0f} | {intervals} | {row['accuracy']:.4f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
