"""The report stage: the run folder as one HTML page, ``report.json`` and the curves in one file.

Collaborators: ``psyche_rl.report`` reads and draws; the command line prints what came of the run.
"""

from __future__ import annotations

from psyche_rl.report import collect, render_page, report_json
from psyche_rl.run_context import Counts, StageContext

FOLDER = "report"


def run(context: StageContext) -> Counts:
    """Write ``report/report.html``, ``report.json`` and ``metrics.jsonl``."""
    data = collect(context.store)
    curves = [{"stage": "sft", **row} for row in data.sft] + [{"stage": "grpo", **row} for row in data.grpo]
    context.store.write_jsonl(f"{FOLDER}/metrics.jsonl", curves)
    context.store.write_json(f"{FOLDER}/report.json", report_json(data))
    context.store.write_text(f"{FOLDER}/report.html", render_page(data))
    for gap in data.missing:
        context.events.say(f"report: not in this run folder: {gap}")
    return {"metric_rows": len(curves), "sample_questions": len(data.samples), "missing": len(data.missing)}
