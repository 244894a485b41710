"""The comparison as one self-contained HTML page: tables, and the report's own figures with all runs in each.

Collaborators: ``report.figures`` says which figures there are, ``charts`` draws them, and the look is the
report's. Invariant: text of a run is escaped by jinja, or is data of a figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fsspec.implementations.local import LocalFileSystem

from psyche_rl import report
from psyche_rl.charts import ChartPage
from psyche_rl.charts.look import NAME_ROOM, width_of
from psyche_rl.errors import ConfigError
from psyche_rl.pages.html_page import html_environment, page_styles
from psyche_rl.report.accuracies import NAMES, interval, percent
from psyche_rl.report.figures import grpo_figures, sft_figures
from psyche_rl.report.intervals import interval_of
from psyche_rl.run_comparison.compared_run import ComparedRun
from psyche_rl.run_comparison.final_accuracies import p_text
from psyche_rl.run_comparison.run_comparison import RunComparison
from psyche_rl.run_comparison.setting_differences import setting_text
from psyche_rl.store.atomic import written_file

CONFIDENCE = 0.95
LOOK = Path(report.__file__).parent / "page.css"
"""The styles of the report."""


def render_comparison(found: RunComparison) -> str:
    """The whole page as text."""
    environment = html_environment("psyche_rl.run_comparison")
    environment.filters["percent"] = percent
    environment.filters["setting"] = setting_text
    environment.filters["p"] = p_text
    charts = ChartPage()
    shown = names_in_figures(found.runs)
    sft = {name: run.curves["sft"] for name, run in zip(shown, found.runs, strict=True)}
    grpo = {name: run.curves["grpo"] for name, run in zip(shown, found.runs, strict=True)}
    groups = [("Warm-up", [charts.place(chart) for chart in sft_figures(sft)])]
    groups += [
        (group.heading, [charts.place(chart) for chart in group.charts])
        for group in grpo_figures(grpo, CONFIDENCE)
    ]
    names = {run.letter: run.name for run in found.runs}
    return environment.get_template("comparison_page.html.j2").render(
        found=found,
        names=names,
        models=NAMES,
        charts=charts,
        css=page_styles(LOOK),
        groups=[group for group in groups if group[1]],
        interval=lambda figures: interval(interval_of(figures, CONFIDENCE)),
    )


def names_in_figures(runs: Sequence[ComparedRun]) -> list[str]:
    """Their names, or, where one would be cut in a legend, their letters: cut names may be alike."""
    fit = all(width_of(run.name) <= NAME_ROOM for run in runs)
    return [run.name if fit else run.letter for run in runs]


def write_comparison(found: RunComparison, path: str) -> None:
    """Write the page, whole or not at all.

    Raises:
        ConfigError: it cannot be written there.
    """
    place = Path(path).expanduser().absolute()
    text = render_comparison(found).encode()
    try:
        with written_file(LocalFileSystem(), str(place)) as file:
            file.write(text)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from None
