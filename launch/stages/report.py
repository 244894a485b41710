"""The report stage: the run folder as one HTML page, ``report.json`` and the curves in one file.

Collaborators: ``psyche_rl.report`` does all reading and drawing; this module writes and prints.
"""

from __future__ import annotations

from psyche_rl.report import collect, render_page, report_json
from psyche_rl.report.accuracies import print_accuracies
from psyche_rl.run_context import Counts, StageContext
from psyche_rl.terminal.plain import echo

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
    if data.evaluation:
        print_accuracies(data.evaluation, data.confidence)
    echo(f"report: {context.store.path(f'{FOLDER}/report.html')}")
    return {"metric_rows": len(curves), "sample_questions": len(data.samples), "missing": len(data.missing)}
