"""A probe of three questions, of which one does not fit the context."""

from loop_fakes import CharTokenizer, question

from data_pipeline.benchmarks.exam_items_of import question_item
from psyche_rl.bench.item_ask import asks_of
from psyche_rl.bench.item_codec import ItemCodec
from psyche_rl.evaluation.catalogue import find_benchmark
from psyche_rl.loops.benchmark_probe import BenchmarkProbe

MINI = find_benchmark("mini_exam")
CODEC = ItemCodec(CharTokenizer(), 120, (0,))


def probe(kept, every=2):
    questions = question(0), question(1, "B"), question(2, stem="长" * 200)
    items = [question_item(MINI, each, each.kind) for each in questions]
    asks = tuple(asks_of(MINI, items, MINI.sampling.model_copy(update={"samples": 1})))
    return BenchmarkProbe(MINI, asks, CODEC, every, lambda step, name, rows: kept.append((step, name, rows)))
