"""Item results as logs of inspect: one ``.eval`` file for each model and benchmark.

Collaborators: ``sample_log`` writes, ``benchmark_figures`` works out the figures of the header, so that
viewer and leaderboard agree. Invariant: every row is a sample with its prompt, reply, rule, key and scores.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from psyche_rl.evaluation.benchmark_figures import summarised
from psyche_rl.evaluation.cluster_draws import ClusterDraws
from psyche_rl.evaluation.item_result import ItemResult
from psyche_rl.evaluation.prompt_messages import messages_of
from psyche_rl.evaluation.scored_item import by_item
from psyche_rl.inspect_logs.sample_log import LoggedSample, write_log


def write_item_logs(results: Sequence[ItemResult], folder: Path, created: str | None = None) -> list[Path]:
    """Write the logs into ``folder``; returns their paths.

    Raises:
        ConfigError: the extra ``inspect`` is not installed.
    """
    created = created or datetime.now(UTC).isoformat(timespec="seconds")
    pairs: defaultdict[tuple[str, str], list[ItemResult]] = defaultdict(list)
    for row in results:
        pairs[row.benchmark, row.model].append(row)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for (benchmark, model), rows in sorted(pairs.items()):
        ordered = sorted(rows, key=lambda row: row.key)
        metrics = sorted({name for row in rows for name in (*row.scores, *row.unscored)})
        means = _means(ordered, metrics)
        facts = {"benchmark": benchmark, "replies": len(rows), "written_by": "psyche-rl bench view"}
        samples = [_logged(row) for row in ordered]
        written.append(write_log(folder, benchmark, model, created, samples, means, facts))
    return written


def _logged(row: ItemResult) -> LoggedSample:
    scores: dict[str, float | None] = {**row.scores, **dict.fromkeys(row.unscored)}
    rule = f"extraction rule: {row.rule or 'none'}"
    facts = row.model_dump(include={"part", "kind", "subject", "level", "cluster", "rule"})
    return LoggedSample(
        id=row.item,
        sample=row.sample,
        prompt=messages_of(row.prompt),
        reply=row.response,
        reasoning=row.reasoning,
        target=row.gold,
        model=row.model,
        scores=scores,
        answer=row.answer,
        ended=row.ended,
        error=row.error,
        notes={name: "\n".join(filter(None, (rule, row.notes.get(name)))) for name in scores},
        tokens=(row.prompt_tokens, row.response_tokens),
        metadata={
            **{k: v for k, v in facts.items() if v},
            "notes": json.dumps(row.notes, ensure_ascii=False),
        },
    )


def _means(rows: Sequence[ItemResult], metrics: Sequence[str]) -> dict[str, dict[str, float]]:
    """Metric -> mean over items, and its interval."""
    items = by_item(rows)
    draws = ClusterDraws([item.row.cluster for item in items], [item.row.part for item in items])
    columns = np.array([[item.scores.get(name, math.nan) for name in metrics] for item in items])
    found = summarised(metrics, columns.reshape(len(items), len(metrics)), items, draws)
    told = {name: {"mean": f.value, "low": f.low, "high": f.high} for name, f in found.items()}
    return {name: {k: v for k, v in of.items() if math.isfinite(v)} for name, of in told.items()}
