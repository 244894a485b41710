"""``report.json``: the figures of the page for programs.

Invariants:
- Strict JSON (no NaN).
- Counts and seconds equal the manifest's, accuracies equal ``eval/summary.json``'s.
- The report's own stage is left out, since it is not over yet.
"""

from __future__ import annotations

import math
from typing import Any

from psyche_rl.report.collect import ReportData


def report_json(data: ReportData) -> dict[str, Any]:
    """The report as a plain tree, ready for ``json.dumps``."""
    stages = {
        name: {"status": entry.status, "seconds": entry.seconds, "counts": entry.counts}
        for name, entry in data.stages.items()
        if name != "report"
    }
    tree = {
        "run": data.run_url,
        "created": data.created,
        "evaluation": data.evaluation,
        "chance": None if data.chance is None else {"all": data.chance.overall, **data.chance.by_kind},
        "stages": stages,
        "selection": data.selection,
        "grpo": {"steps": len(data.train_steps), "final": _final(data.grpo)},
        "alarms": [vars(alarm) for alarm in data.alarms],
        "versions": {"psyche-rl": data.code_version, **data.versions},
        "config": data.config,
        "missing": list(data.missing),
    }
    finite: dict[str, Any] = _finite(tree)
    return finite


def _final(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The newest value of every metric: some are measured every few steps only."""
    final: dict[str, Any] = {}
    for row in rows:
        final.update(row)
    return final


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
