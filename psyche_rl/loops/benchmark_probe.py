"""A curve on a benchmark: its items answered by the rollout engines during training.

Collaborators: ``bench.item_codec`` and ``evaluation.item_scoring``, so that a point of the curve is what
``bench run`` would say of these items; ``evaluations`` says when.
Invariant: an item that does not fit the context, or cannot be put, is counted, and has no score.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from psyche_rl.bench.full_window import failed
from psyche_rl.bench.item_ask import ItemAsk
from psyche_rl.bench.item_codec import ItemCodec
from psyche_rl.config.training_evaluation import BENCH
from psyche_rl.errors import ChatTemplateError
from psyche_rl.evaluation.benchmark import Benchmark
from psyche_rl.evaluation.benchmark_figures import figures_of
from psyche_rl.evaluation.cluster_draws import BootstrapSettings
from psyche_rl.evaluation.item_result import ItemResult
from psyche_rl.evaluation.item_scoring import ItemReply, score_item
from psyche_rl.loops.protocols import Rollouts
from psyche_rl.records import GenerationRequest

BLOCK = 512
"""Items asked at a time: rollouts answer each call within their deadline."""
DRAWS = BootstrapSettings(draws=200)
"""Of the intervals in the files of rows; the curve shows the figures alone."""


@dataclass(frozen=True)
class BenchmarkProbe:
    """One benchmark, ``every`` so many steps. ``keep`` is given the step and its rows."""

    benchmark: Benchmark
    asks: Sequence[ItemAsk]
    codec: ItemCodec
    every: int
    keep: Callable[[int, str, Sequence[ItemResult]], None]

    def measure(self, rollouts: Rollouts, version: int) -> dict[str, float]:
        """``bench/<name>/<figure>`` at weight ``version``; ``unanswered`` counts items without a reply."""
        put = [self._put(ask, version) for ask in self.asks]
        requests = [each for each in put if isinstance(each, GenerationRequest)]
        blocks = (requests[at : at + BLOCK] for at in range(0, len(requests), BLOCK))
        answers = (samples for block in blocks for samples in rollouts.generate(block, version))
        replies = [
            each if isinstance(each, ItemReply) else self.codec.reply(next(answers)[0]) for each in put
        ]
        name = self.benchmark.name
        rows = [
            score_item(self.benchmark, ask.item, reply, model=f"step {version}", sample=ask.sample)
            for ask, reply in zip(self.asks, replies, strict=True)
        ]
        self.keep(version, name, rows)
        found = figures_of(self.benchmark, rows, DRAWS).figures
        figures = {key: one.value for key, one in found.items() if one.n}
        figures["unanswered"] = float(sum(isinstance(each, ItemReply) for each in put))
        figures["version"] = float(version)
        return {f"{BENCH}{name}/{key}": value for key, value in figures.items()}

    def _put(self, ask: ItemAsk, version: int) -> GenerationRequest | ItemReply:
        try:
            return self.codec.request(ask, f"{BENCH}{self.benchmark.name}/{version}/{ask.key}")
        except ChatTemplateError as error:
            return failed(error)
