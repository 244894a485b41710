"""The report stage: the run folder as one HTML page, ``report.json`` and the curves in one file.

Collaborators: ``psyche_rl.report`` does all reading and drawing; this module writes and prints.
"""

from __future__ import annotations

from typing import Any

from psyche_rl.report import ReportData, collect, render_page, report_json
from psyche_rl.run_context import Counts, StageContext

FOLDER = "report"


def run(context: StageContext) -> Counts:
    """Write ``report/report.html``, ``report.json`` and ``metrics.jsonl``; print the results table."""
    data = collect(context.store)
    curves = [{"stage": "sft", **row} for row in data.sft] + [{"stage": "grpo", **row} for row in data.grpo]
    context.store.write_jsonl(f"{FOLDER}/metrics.jsonl", curves)
    context.store.write_json(f"{FOLDER}/report.json", report_json(data))
    context.store.write_text(f"{FOLDER}/report.html", render_page(data))
    for gap in data.missing:
        context.events.say(f"report: not in this run folder: {gap}")
    _print_results(data)
    print(f"report: {context.store.path(f'{FOLDER}/report.html')}", flush=True)
    return {"metric_rows": len(curves), "sample_questions": len(data.samples), "missing": len(data.missing)}


def _print_results(data: ReportData) -> None:
    from rich.console import Console
    from rich.table import Table

    if not data.evaluation:
        return
    table = Table(title="Held-out exam, strict accuracy")
    kinds = list(dict.fromkeys(kind for r in data.evaluation.values() for kind in r.get("by_kind", {})))
    for column in ("model", "all", "interval", *kinds, "format", "n"):
        table.add_column(column, justify="left" if column == "model" else "right")
    for model, result in data.evaluation.items():
        low, high = result["interval"]
        parts = [_percent(result.get("by_kind", {}).get(kind, {}).get("strict_accuracy")) for kind in kinds]
        interval = f"{100 * low:.1f} – {100 * high:.1f}"
        accuracy, well_formed = _percent(result["strict_accuracy"]), _percent(result["format_rate"])
        table.add_row(model, accuracy, interval, *parts, well_formed, str(result["n"]))
    Console().print(table)


def _percent(value: Any) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"
