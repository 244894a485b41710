"""The report as one self-contained HTML page: no network, no script, light and dark.

Collaborators: ``figures`` draws, ``page.html.j2`` lays out; text from the run is escaped by jinja.
Invariant: every figure on the page is read from :class:`ReportData`; wording that depends on the
results (chance, the mini world) is decided here and not in the template.
"""

from __future__ import annotations

from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from psyche_rl.report import figures
from psyche_rl.report.accuracies import KIND_HEADINGS, NAMES, accuracy_rows, interval, kinds_of, percent
from psyche_rl.report.benchmark_curves import benchmark_curves
from psyche_rl.report.chance import reaches_chance
from psyche_rl.report.collect import MODELS, ReportData
from psyche_rl.report.intervals import interval_of
from psyche_rl.report.lanes import timeline
from psyche_rl.store.manifest import ROW_COUNTS

LAST_STEPS = 8
"""Steps that a second timeline shows."""


def render_page(data: ReportData) -> str:
    """The whole page as text."""
    environment = Environment(
        loader=PackageLoader("psyche_rl.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = _percent
    environment.filters["unbroken"] = _unbroken
    environment.filters["share"] = _share
    environment.filters["figure"] = _figure
    environment.filters["seconds"] = _seconds
    confidence = data.confidence
    return environment.get_template("page.html.j2").render(
        data=data,
        names=NAMES,
        kind_names=KIND_HEADINGS,
        kinds=kinds_of(data.evaluation),
        accuracies=accuracy_rows(data.evaluation, confidence),
        lead=_lead(data),
        judged=any("judged" in result for result in data.evaluation.values()),
        judge=data.config.get("eval", {}).get("judge", {}).get("model"),
        mini=data.config.get("mini"),
        chance_notes=chance_notes(data),
        confidence=_share(confidence),
        wilson=any(
            "interval" not in part for r in data.evaluation.values() for part in r.get("by_kind", {}).values()
        ),
        row_counts=ROW_COUNTS,
        step_rows=[(name, step, rows) for name, e in data.stages.items() for step, rows in e.steps.items()],
        total_seconds=sum(entry.seconds for name, entry in data.stages.items() if name != "report"),
        histogram=figures.pass_rate_histogram(data.selection.get("pass_rate_histogram", {})),
        sft_figures=_curves(figures.SFT_CURVES, data.sft),
        grpo_figures=_grpo_figures(data),
        timelines=_timelines(data),
        config_text=yaml.safe_dump(data.config, allow_unicode=True, sort_keys=False),
    )


def chance_notes(data: ReportData) -> list[str]:
    """One sentence per model that is no better than guessing on exam questions of one's own."""
    if data.chance is None or not data.config.get("data", {}).get("questions"):
        return []
    confidence = data.confidence
    notes = []
    for model, result in data.evaluation.items():
        scopes = [("all questions", result, data.chance.overall)]
        for kind, part in result.get("by_kind", {}).items():
            if kind in data.chance.by_kind and part["n"]:
                scopes.append((KIND_HEADINGS[kind], part, data.chance.by_kind[kind]))
        said = [
            f"{scope} {_percent(part['strict_accuracy'])} "
            f"({_unbroken(interval(interval_of(part, confidence)))}; "
            f"guessing gives {_percent(chance)})"
            for scope, part, chance in scopes
            if reaches_chance(interval_of(part, confidence), chance)
        ]
        if said:
            notes.append(f"{NAMES[model]}: {', '.join(said)}.")
    return notes


def _lead(data: ReportData) -> str:
    """The result in a sentence."""
    results = {model: data.evaluation[model] for model in MODELS if model in data.evaluation}
    if not results:
        return "This run has no evaluation yet."
    said = ", ".join(f"{NAMES[m]} {_percent(r['strict_accuracy'])}" for m, r in results.items())
    sentence = f"Strict accuracy on {max(r['n'] for r in results.values())} held-out questions: {said}."
    if {"sft", "grpo"} <= results.keys():
        gain = results["grpo"]["strict_accuracy"] - results["sft"]["strict_accuracy"]
        sentence += f" GRPO against SFT: {100 * gain:+.1f} points."
    return sentence


def _grpo_figures(data: ReportData) -> list[figures.Drawing]:
    drawn = [figures.reward_curve(data.grpo), *_curves(figures.GRPO_CURVES, data.grpo)]
    drawn += benchmark_curves(data.grpo)
    return [figure for figure in [*drawn, figures.step_times(data.grpo)] if figure]


def _timelines(data: ReportData) -> list[figures.Drawing]:
    """The whole run, and where that is long its last steps too."""
    last = [row.get("time/step_s", 0.0) for row in data.train_steps][-LAST_STEPS:]
    drawn = [timeline(data.lanes, "Workers and learner")]
    if len(data.train_steps) > 2 * LAST_STEPS:
        drawn.append(timeline(data.lanes, f"The last {LAST_STEPS} steps", sum(last)))
    return [figure for figure in drawn if figure]


def _curves(specs: tuple[figures.Curve, ...], rows: list[dict[str, Any]]) -> list[figures.Drawing]:
    return [drawing for spec in specs if (drawing := figures.curve(spec, rows))]


def _percent(value: float | None) -> str:
    return _unbroken(percent(value))


def _share(value: float) -> str:
    return f"{100 * value:g}\u202f%"


def _unbroken(text: str) -> str:
    return text.replace(" %", "\u202f%").replace(",", "\u202f")


def _figure(value: float) -> str:
    """A count or a measured number, short and with thousands apart."""
    if isinstance(value, float) and not value.is_integer():
        return f"{value:.4g}"
    return f"{int(value):,}".replace(",", "\u202f")


def _seconds(value: float) -> str:
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{value:.1f} s"
