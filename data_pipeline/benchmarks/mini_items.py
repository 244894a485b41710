"""The mini world's held-out exam as a benchmark: made on the spot, so it needs no data.

With the seed and the sizes of ``launch/configs/mini.yaml`` its questions are those of that run's test split.
"""

from __future__ import annotations

from data_pipeline.benchmarks.exam_items_of import question_item
from data_pipeline.benchmarks.loaded_items import LoadedItems
from psyche_rl.config.mini import MiniConfig
from psyche_rl.evaluation.benchmark import Benchmark
from psyche_rl.mini.cards import mini_cards
from psyche_rl.mini.exam_records import held_out_exam


def mini_items(benchmark: Benchmark, seed: int = 0) -> LoadedItems:
    """The test split for a seed."""
    mini = MiniConfig()
    questions = held_out_exam(mini_cards(), seed, mini.exam_test, mini.exam_multiple_share, "test")
    items = [question_item(benchmark, question, question.kind) for question in questions]
    return LoadedItems(benchmark, tuple(items), ())
