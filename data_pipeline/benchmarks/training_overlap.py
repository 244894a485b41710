"""The training records of a finished run against the items of benchmarks.

Role: answers, for a model of a run, which benchmark items it was trained on; removes nothing.
Collaborators: ``select/sft.parquet`` and ``select/grpo.parquet`` hold what was trained on;
``EvaluationIndex`` finds items in it; ``ContaminationReport`` is the answer. Invariants:
- The rules are those by which decontamination removes records.
- An item is known by its own id, so that the leaderboard can show its cell with and without it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from data_pipeline.benchmarks.loaded_items import LoadedItems
from data_pipeline.decontamination.evaluation_set import EvaluationItem
from data_pipeline.decontamination.file_rows import records_of_row
from data_pipeline.decontamination.index import EvaluationIndex
from data_pipeline.decontamination.training_records import ComparedRecord, fragments_of, matches_in, text_of
from psyche_rl.config.decontamination import DecontaminateConfig
from psyche_rl.errors import RunFolderError
from psyche_rl.evaluation.benchmark import Benchmark
from psyche_rl.evaluation.benchmark_item import BenchmarkItem
from psyche_rl.evaluation.contamination_report import BenchmarkOverlap, ContaminationReport, FoundItem
from psyche_rl.records import Question, SftExample
from psyche_rl.store import RunStore

TRAINED_ON = {"sft": ("sft",), "grpo": ("sft", "grpo")}
"""Model of a run -> the sets that it has seen."""


def overlap_of_run(
    run: str, model: str, benchmarks: Sequence[LoadedItems], settings: DecontaminateConfig
) -> ContaminationReport:
    """Which items of each benchmark stand in what ``model`` ("sft" or "grpo") of a run was trained on.

    Raises:
        RunFolderError: the run has not finished select.
    """
    store = RunStore(run)
    if not store.exists("select/sft.parquet"):
        raise RunFolderError(f"{run} holds no select/sft.parquet; run the stages up to select first")
    records = (record for name in TRAINED_ON[model] for record in _records(store, name))
    return overlap(f"{store.url.rpartition('/')[2]}, {model}", records, benchmarks, settings)


def overlap(
    run: str,
    records: Iterable[ComparedRecord],
    benchmarks: Sequence[LoadedItems],
    settings: DecontaminateConfig,
) -> ContaminationReport:
    """The same for records of any origin."""
    items = [_sought(loaded.benchmark, item) for loaded in benchmarks for item in loaded.items]
    index = EvaluationIndex(items, settings)
    compared: Counter[str] = Counter()
    found: dict[str, defaultdict[str, list[FoundItem]]] = {
        loaded.benchmark.name: defaultdict(list) for loaded in benchmarks
    }
    for record, matches in matches_in(records, index):
        compared[record.kind] += 1
        for match in matches:
            hit = FoundItem(
                record=record.id, kind=record.kind, rule=match.rule, part=match.part, score=match.score
            )
            found[match.evaluation_set][match.place].append(hit)
    return ContaminationReport(
        run=run,
        compared=dict(compared),
        settings=settings.model_dump(exclude={"enabled", "against"}, exclude_none=True),
        benchmarks={
            loaded.benchmark.name: BenchmarkOverlap(
                items=len(loaded.items),
                found={item: tuple(hits) for item, hits in found[loaded.benchmark.name].items()},
            )
            for loaded in benchmarks
        },
    )


def _sought(benchmark: Benchmark, item: BenchmarkItem) -> EvaluationItem:
    """A choice is its stem and options; of an open item the stem alone may say too little ("diagnosis?"), so
    it is all that the user asks, without the instruction that every item shares."""
    if item.options:
        return EvaluationItem(benchmark.name, item.id, item.stem, item.options)
    asked = item.messages[-1].content.removeprefix(benchmark.prompt.instruction).strip()
    return EvaluationItem(benchmark.name, item.id, asked or item.stem)


def _records(store: RunStore, name: str) -> Iterable[ComparedRecord]:
    if name == "grpo":
        for question in store.read_records("select/grpo.parquet", Question):
            yield ComparedRecord(question.id, "grpo question", fragments_of(question), text_of(question))
        return
    for example in store.read_records("select/sft.parquet", SftExample):
        ((fragments, text),) = records_of_row(example.model_dump(include={"messages"}))
        yield ComparedRecord(example.id, f"sft {example.kind}", fragments, text)
