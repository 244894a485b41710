"""A benchmark as a task folder of lm-evaluation-harness.

Role: writes ``TASK.yaml``, ``items.jsonl``, ``benchmark.json`` and ``psyche_rl_task.py``, which lm-eval
loads by its ``--include_path``. Collaborators: ``harness_document`` is the document and the scoring.
Invariants:
- The folder can be moved: the YAML finds items and scoring beside itself.
- Prompts are data, never templates: an item with ``{{`` in it is asked as it is written.
- What cannot be exported is returned with the reason, never dropped in silence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from psyche_rl.errors import DataError
from psyche_rl.evaluation.benchmark import Benchmark
from psyche_rl.evaluation.benchmark_item import BenchmarkItem
from psyche_rl.lm_harness.harness_document import document
from psyche_rl.store.atomic import written_folder

_MODULE = '''"""Items and scoring of this task, for lm-eval; psyche-rl must be installed."""

import json
from pathlib import Path

from psyche_rl.evaluation.benchmark import Benchmark
from psyche_rl.lm_harness import harness_document

HERE = Path(__file__).parent
BENCHMARK = Benchmark.model_validate_json((HERE / "benchmark.json").read_text("utf-8"))


def items(**_):
    """The only split: the items beside this file."""
    import datasets

    lines = (HERE / "items.jsonl").read_text("utf-8").splitlines()
    return {"test": datasets.Dataset.from_list([json.loads(line) for line in lines])}


def process_results(doc, results):
    """Metric -> score."""
    return harness_document.process_results(BENCHMARK, doc, results)
'''


class Exported(NamedTuple):
    """The task's name, how many items it has, and why others are left out."""

    task: str
    items: int
    left_out: tuple[tuple[str, str], ...]
    """(id, reason)."""


def export_task(benchmark: Benchmark, items: Iterable[BenchmarkItem], out: Path) -> Exported:
    """Write the task into a folder of its name in ``out``, in place of an earlier export.

    Raises:
        DataError: no item can be exported, or replies are scored by a judge alone.
    """
    task = f"psyche_rl_{re.sub(r'[^0-9A-Za-z_]+', '_', benchmark.name)}"
    documents, left_out, metrics = [], [], dict[str, None]()
    for item in items:
        named = benchmark.metrics_of(bool(item.options))
        try:
            if not named:
                raise ValueError("scored by a judge alone")
            documents.append(document(item))
            metrics.update(dict.fromkeys(named))
        except ValueError as reason:
            left_out.append((item.id, str(reason)))
    if not documents:
        why = f"; the first reason: {left_out[0][1]}" if left_out else ""
        raise DataError(f"{benchmark.name}: none of {len(left_out)} items can be asked by lm-eval{why}")
    with written_folder(out / task) as folder:
        # Escaped, so that no reader takes a separator of lines in a text for the end of the line.
        (folder / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in documents), "utf-8")
        (folder / "benchmark.json").write_text(benchmark.model_dump_json(indent=1), "utf-8")
        (folder / "psyche_rl_task.py").write_text(_MODULE, "utf-8")
        (folder / f"{task}.yaml").write_text(_yaml(task, benchmark, list(metrics)), "utf-8")
    return Exported(task, len(documents), tuple(left_out))


class _Function(str):
    """A value that lm-eval's loader takes as the name of a function."""


def _yaml(task: str, benchmark: Benchmark, metrics: Sequence[str]) -> str:
    drawn = benchmark.sampling
    sampling: dict[str, Any] = {
        "until": [],
        "do_sample": drawn.temperature > 0,
        "max_gen_toks": drawn.max_tokens,
    }
    if drawn.temperature > 0:
        sampling |= {"temperature": drawn.temperature, "top_p": drawn.top_p}
    config = {
        "task": task,
        "custom_dataset": _Function("psyche_rl_task.items"),
        "test_split": "test",
        "output_type": "generate_until",
        "description": "system",  # names of columns, which are shown as they are
        "doc_to_text": "prompt",
        "doc_to_target": "gold",
        "process_results": _Function("psyche_rl_task.process_results"),
        "generation_kwargs": sampling,
        "repeats": drawn.samples,
        "metric_list": [{"metric": m, "aggregation": "mean", "higher_is_better": True} for m in metrics],
        "metadata": {"version": benchmark.version},
    }

    class Dumper(yaml.SafeDumper):
        pass

    Dumper.add_representer(_Function, lambda dumper, name: dumper.represent_scalar("!function", str(name)))
    return yaml.dump(config, Dumper=Dumper, allow_unicode=True, sort_keys=False)
