"""An item of a benchmark as a document of lm-eval, and its scores as we give them.

Role: the one rule behind an exported task and a log that is read back.
Collaborators: ``item_scoring`` scores; ``task_export`` writes the files that call this.
Invariants:
- What lm-eval averages is what our own evaluation gives for the same reply.
- A score that could not be made is no part of lm-eval's mean either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psyche_rl.evaluation.benchmark import Benchmark
from psyche_rl.evaluation.benchmark_item import BenchmarkItem
from psyche_rl.evaluation.item_scoring import ItemReply, score_item


def document(item: BenchmarkItem) -> dict[str, str]:
    """The row of the task's ``items.jsonl``.

    Raises:
        ValueError: the messages are other than a turn of the user, with or without one of the system.
    """
    roles = [message.role for message in item.messages]
    if roles not in (["user"], ["system", "user"]):
        raise ValueError(f"turns {', '.join(roles)}: an lm-eval task asks one turn of the user")
    return {
        "id": item.id,
        "system": item.messages[0].content if len(roles) == 2 else "",
        "prompt": item.messages[-1].content,
        "gold": item.gold,
        "item": item.model_dump_json(),
    }


def item_of(doc: Mapping[str, Any]) -> BenchmarkItem:
    """The item that a document was made of."""
    return BenchmarkItem.model_validate_json(doc["item"])


def process_results(benchmark: Benchmark, doc: Mapping[str, Any], results: Sequence[str]) -> dict[str, float]:
    """What lm-eval calls with a document and its reply: metric -> score."""
    item = item_of(doc)
    scored = score_item(benchmark, item, ItemReply(results[0]), model="").scores
    return {name: scored[name] for name in benchmark.metrics_of(bool(item.options)) if name in scored}
