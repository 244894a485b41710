"""What stored replies are worth on a benchmark: one story for ``psyche-rl bench score`` and ``launch.api``.

Collaborators: ``data_pipeline.benchmarks`` reads items and replies, ``psyche_rl.evaluation`` measures.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data_pipeline.benchmarks.loaded_items import LoadedItems
    from data_pipeline.benchmarks.stored_replies import ScoredReplies
    from psyche_rl.evaluation.cluster_draws import BootstrapSettings


@dataclass(frozen=True)
class StoredFigures:
    """``told`` is all there is to know, as JSON-able values; what cannot be measured is null."""

    loaded: LoadedItems
    scored: ScoredReplies
    told: dict[str, Any]


def stored_figures(
    replies: str, benchmark: str, data: str | None, model: str | None, settings: BootstrapSettings
) -> StoredFigures:
    """Score the replies of a file; ``model`` is the name to show (unset: the file's).

    Raises:
        ConfigError: there is no such benchmark.
        DataError: data or replies are missing or unreadable, or none of the rows is a reply to an item.
    """
    from data_pipeline.benchmarks.load_items import load_items
    from data_pipeline.benchmarks.stored_replies import score_stored
    from psyche_rl.evaluation.benchmark_figures import figures_of
    from psyche_rl.evaluation.catalogue import find_benchmark
    from psyche_rl.evaluation.without_nan import without_nan

    chosen = find_benchmark(benchmark)
    loaded = load_items(chosen, data)
    scored = score_stored(loaded, replies, model or Path(replies).stem)
    counts = loaded.counts()
    found: dict[str, Any] = without_nan(
        figures_of(chosen, scored.results, settings, counts["left_out"]).as_json()
    )
    told = {
        **found,
        "missing": len(scored.missing),
        "bad_rows": len(scored.bad),
        "replies_to_left_out": scored.set_aside,
        "items_of_benchmark": counts["items"],
        "counts": counts,
    }
    return StoredFigures(loaded, scored, told)
