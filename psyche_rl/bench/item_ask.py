"""What is asked of a model: a sample of an item, with all that its reply depends on but the model.

Invariants:
- The seed is fixed by the run's seed, the benchmark, the item and the sample alone.
- Two asks with the same ``key`` are the same question with the same settings: it is not asked twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from psyche_rl.config.bench import BenchConfig
from psyche_rl.evaluation.benchmark import Benchmark, BenchmarkSampling
from psyche_rl.evaluation.benchmark_item import BenchmarkItem
from psyche_rl.seeded import whole_number


@dataclass(frozen=True)
class ItemAsk:
    """One reply to be had."""

    item: BenchmarkItem
    sample: int
    sampling: BenchmarkSampling
    seed: int

    @cached_property
    def key(self) -> str:
        """sha256 of messages, sampling and seed."""
        said = [[message.role, message.content] for message in self.item.messages]
        how = [self.sampling.temperature, self.sampling.top_p, self.sampling.max_tokens, self.seed]
        text = json.dumps([self.item.id, self.sample, said, how], ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def sampling_of(benchmark: Benchmark, config: BenchConfig) -> BenchmarkSampling:
    """The benchmark's own, with what the user says instead."""
    said = {
        name: value
        for name in ("samples", "temperature", "top_p", "max_tokens")
        if (value := getattr(config, name)) is not None
    }
    return benchmark.sampling.model_copy(update={**said, "seed": benchmark.sampling.seed + config.seed})


def asks_of(
    benchmark: Benchmark, items: Sequence[BenchmarkItem], sampling: BenchmarkSampling
) -> Iterator[ItemAsk]:
    """Every sample of every item; all first samples come first, so that a cut run has whole figures."""
    for sample in range(sampling.samples):
        for item in items:
            seed = whole_number(sampling.seed, benchmark.name, item.id, sample) >> 1
            yield ItemAsk(item, sample, sampling, seed)


def spread(items: Sequence[BenchmarkItem], count: int | None) -> list[BenchmarkItem]:
    """So many of the items, evenly over all of them; all where there are no more, or no number is given.

    >>> spread(range(10), 3)
    [0, 3, 6]
    """
    if count is None or count >= len(items):
        return list(items)
    return [items[at * len(items) // count] for at in range(count)]
