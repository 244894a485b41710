"""The report as one self-contained HTML page: no network, figures that answer to the pointer, light and dark.

Collaborators: ``figures`` says which there are, ``charts`` puts them in, ``page.html.j2`` lays out.
Invariants:
- Text from the run is escaped by jinja, or is data of a figure; the page's policy runs no script but its own.
- Every figure on the page is read from :class:`ReportData`; wording that depends on the results (chance, the
  mini world, the rule of selection) is decided here and not in the template.
"""

from __future__ import annotations

from pathlib import Path

import yaml
from markupsafe import Markup

from psyche_rl.charts import Chart, ChartPage
from psyche_rl.pages.html_page import html_environment, page_styles
from psyche_rl.report import figures
from psyche_rl.report.accuracies import KIND_HEADINGS, NAMES, accuracy_rows, interval, kinds_of, percent
from psyche_rl.report.chance import reaches_chance
from psyche_rl.report.collect import MODELS, ReportData
from psyche_rl.report.funnel import ENDINGS, funnels
from psyche_rl.report.intervals import interval_of
from psyche_rl.report.lanes import timeline

HERE = Path(__file__).parent
LAST_STEPS = 8
"""Steps that a second timeline shows."""
RULES = {
    "all_wrong": "A question that every selector gets wrong in all of its samples goes to GRPO",
    "majority": "A question on which no selector is right in more than half of its samples goes to GRPO",
    "pass_rate": "A question of which the share of right samples lies from {} to {} goes to GRPO",
}


def render_page(data: ReportData) -> str:
    """The whole page as text."""
    environment = html_environment("psyche_rl.report")
    environment.filters["percent"] = _percent
    environment.filters["unbroken"] = _unbroken
    environment.filters["share"] = _share
    environment.filters["figure"] = _figure
    environment.filters["seconds"] = _seconds
    confidence = data.confidence
    charts = ChartPage((HERE / "page.js").read_text("utf-8"))
    runs = {"this run": data.grpo}
    groups = [
        {"heading": group.heading, "placed": _placed(charts, group.charts), "quiet": group.quiet}
        for group in figures.grpo_figures(runs, confidence)
    ]
    rows = funnels(data.stages, data.usage, data.currency)
    return environment.get_template("page.html.j2").render(
        data=data,
        charts=charts,
        css=page_styles(HERE / "page.css"),
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
        endings=ENDINGS,
        funnels=[(funnel, charts.place(funnel.chart) if funnel.chart else None) for funnel in rows],
        total_cost=sum(usage.cost for usage in data.usage),
        total_seconds=sum(entry.seconds for name, entry in data.stages.items() if name != "report"),
        rule=selection_rule(data),
        pass_rates=_placed(
            charts, figures.pass_rate_charts(data.selection.get("pass_rate_histogram", {}), data.pass_rates)
        ),
        sft_figures=_placed(charts, figures.sft_figures({"this run": data.sft})),
        grpo_groups=groups,
        timelines=_placed(charts, _timelines(data)),
        config_text=yaml.safe_dump(data.config, allow_unicode=True, sort_keys=False),
    )


def selection_rule(data: ReportData) -> str:
    """What sends a question to GRPO, by the rule that the run was configured with."""
    select = data.config.get("select", {})
    if select.get("skip"):
        return "Selection was left out: questions went to GRPO at random"
    rule = RULES.get(select.get("rule", "all_wrong"), RULES["all_wrong"])
    return rule.format(*(_share(bound) for bound in select.get("pass_rate", (0.0, 0.5))))


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


def _timelines(data: ReportData) -> list[Chart]:
    """The whole run, and where that is long its last steps too."""
    last = [row.get("time/step_s", 0.0) for row in data.train_steps][-LAST_STEPS:]
    drawn = [timeline(data.lanes, "Workers and learner")]
    if len(data.train_steps) > 2 * LAST_STEPS:
        drawn.append(timeline(data.lanes, f"Workers and learner, the last {LAST_STEPS} steps", sum(last)))
    return [figure for figure in drawn if figure]


def _placed(charts: ChartPage, drawn: list[Chart]) -> list[Markup]:
    return [charts.place(chart) for chart in drawn]


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
