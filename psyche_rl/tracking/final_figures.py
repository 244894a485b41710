"""What a finished stage leaves for trackers: test figures, tables of answers and accuracies, the report.

Collaborator: ``psyche_rl.report``, whose tables and samples these are; it reads the run folder once for both.
"""

from __future__ import annotations

from psyche_rl.masking import mask_of_process
from psyche_rl.report.accuracies import KIND_HEADINGS, NAMES, NONE, accuracy_rows, kinds_of
from psyche_rl.report.collect import ReportData
from psyche_rl.store import RunStore
from psyche_rl.tracking.tracker import Shown

SUMMARY = "eval/summary.json"
PAGE = "report/report.html"


def final_figures(store: RunStore, stage: str) -> dict[str, float]:
    """``test/<model>/<figure>``: strict accuracy with its interval, by kind, format rate."""
    if stage != "eval" or not store.exists(SUMMARY):
        return {}
    figures: dict[str, float] = {}
    for model, found in store.read_json(SUMMARY).items():
        name = f"test/{model}"
        figures |= {f"{name}/strict_accuracy": found["strict_accuracy"], f"{name}/n": found["n"]}
        figures |= {f"{name}/format_rate": found["format_rate"]}
        if "interval" in found:
            figures |= {f"{name}/low": found["interval"][0], f"{name}/high": found["interval"][1]}
        figures |= {
            f"{name}/{kind}": part["strict_accuracy"] for kind, part in found.get("by_kind", {}).items()
        }
    return {figure: float(value) for figure, value in figures.items()}


def final_tables(data: ReportData) -> dict[str, Shown]:
    """The report's table of accuracies."""
    if not data.evaluation:
        return {}
    kinds = kinds_of(data.evaluation)
    columns = ("model", "all", "interval", *(KIND_HEADINGS[kind] for kind in kinds), "format", "n")
    rows = [
        (
            row.model,
            row.overall.share,
            row.overall.interval,
            *(part.share if part else NONE for part in row.by_kind.values()),
            row.format_rate,
            str(row.overall.n),
        )
        for row in accuracy_rows(data.evaluation, data.confidence)
    ]
    return {"report/accuracies": Shown(columns, tuple(rows))}


def final_answers(data: ReportData) -> dict[str, Shown]:
    """The report's answers side by side, masked."""
    if not (samples := data.samples):
        return {}
    models = [model for model in NAMES if any(model in sample.answers for sample in samples)]
    mask = mask_of_process()
    rows = [
        (
            sample.question.stem,
            sample.question.gold,
            *(sample.answers[m].response if m in sample.answers else NONE for m in models),
        )
        for sample in samples
    ]
    columns = ("question", "gold", *(NAMES[model] for model in models))
    return {"report/answers": Shown(columns, tuple(tuple(map(mask.text, row)) for row in rows))}


def final_pages(store: RunStore, stage: str) -> dict[str, str]:
    """The report."""
    there = stage == "report" and store.exists(PAGE)
    return {PAGE: store.read_bytes(PAGE).decode()} if there else {}
