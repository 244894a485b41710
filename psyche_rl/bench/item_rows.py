"""From the replies of a run to the rows of its items: every ask is a row, answered or not.

Invariant: a reply that cannot be scored is a row with its ``error``, like one that never came.
"""

from __future__ import annotations

from collections.abc import Iterable

from psyche_rl.bench.full_window import failed
from psyche_rl.bench.item_ask import ItemAsk
from psyche_rl.bench.reply_journal import ReplyJournal
from psyche_rl.evaluation.benchmark import Benchmark
from psyche_rl.evaluation.item_result import ItemResult
from psyche_rl.evaluation.item_scoring import ItemReply, score_item


def item_rows(
    benchmark: Benchmark, asks: Iterable[ItemAsk], journal: ReplyJournal, model: str
) -> list[ItemResult]:
    """A row for each ask, in order."""
    never = ItemReply("", ended="failed", error="never asked")
    return [_row(benchmark, ask, journal.get(ask) or never, model) for ask in asks]


def _row(benchmark: Benchmark, ask: ItemAsk, reply: ItemReply, model: str) -> ItemResult:
    try:
        return score_item(benchmark, ask.item, reply, model=model, sample=ask.sample)
    except Exception as error:  # a metric of somebody's own, or a text that ours did not foresee
        told = failed(error)
        unscored = told._replace(
            text=reply.text, reasoning=reply.reasoning, error=f"not scored: {told.error}"
        )
        return score_item(benchmark, ask.item, unscored, model=model, sample=ask.sample)
