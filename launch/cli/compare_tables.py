"""The tables of ``psyche-rl compare``: each fits 80 columns, whatever the runs are called.

Runs stand there by their letters, which the first lines explain.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.table import Table

from psyche_rl.report.accuracies import NAMES, NONE, percent
from psyche_rl.run_comparison import RunComparison
from psyche_rl.run_comparison.compared_curves import ComparedCurve
from psyche_rl.run_comparison.compared_run import ComparedRun
from psyche_rl.run_comparison.final_accuracies import p_text
from psyche_rl.run_comparison.setting_differences import SettingDifference, setting_text
from psyche_rl.terminal.console import PlainConsole
from psyche_rl.terminal.plain import echo

SPARK = 24
"""Blocks of a curve."""
ABREAST = 4
"""Runs whose settings stand side by side; more make tables below each other."""


def print_comparison(found: RunComparison) -> None:
    """All there is to tell; what is missing is said."""
    for run in found.runs:
        unfinished = [name for name, entry in run.stages.items() if entry.status != "done"]
        echo(f"{run.letter} = {run.url}" + (f"  (not done: {', '.join(unfinished)})" if unfinished else ""))
    console = PlainConsole()
    if found.settings:
        for start in range(0, len(found.runs), ABREAST):
            console.print(_settings(found, slice(start, start + ABREAST)))
    else:
        echo("no setting differs")
    for curve in found.curves:
        console.print(_curve(curve))
    if not found.curves:
        echo("no run has a curve yet")
    if any(run.summary for run in found.runs):
        console.print(_accuracies(found.runs))
    if found.tests:
        console.print(_tests(found))
        if unpaired := sum(test.unpaired for test in found.tests):
            echo(f"{unpaired:,} answers to items that only one of two runs has were left out of the tests")
    else:
        echo("no two runs have answers to the same test questions")


def _table(title: str) -> Table:
    return Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False, padding=(0, 1, 0, 0))


def _settings(found: RunComparison, shown: slice) -> Table:
    table = _table("Settings that differ")
    table.add_column("key", overflow="fold", ratio=2)
    for run in found.runs[shown]:
        table.add_column(run.letter, overflow="fold", ratio=1)
    decides = True
    for difference in found.settings:
        if decides and not difference.decides:
            table.add_section()
            table.add_row("(free to change)")
        decides = difference.decides
        table.add_row(_key(difference, found.settings), *_values(difference)[shown])
    return table


def _key(difference: SettingDifference, among: Sequence[SettingDifference]) -> str:
    """The key, with its stages where it stands there more than once."""
    several = sum(other.key == difference.key for other in among) > 1
    return f"{difference.key} ({', '.join(difference.stages)})" if several else difference.key


def _values(difference: SettingDifference) -> list[str]:
    return [
        "" if absent else setting_text(value)
        for value, absent in zip(difference.values, difference.absent, strict=True)
    ]


def _curve(curve: ComparedCurve) -> Table:
    named = curve.unit in curve.title.lower()
    table = _table(curve.title if named else f"{curve.title}, {curve.unit}")
    table.add_column("", width=1)
    for column in ("first", "min", "max", "last", "step"):
        table.add_column(column, justify="right", no_wrap=True, min_width=6 if column == "step" else 9)
    table.add_column("over the steps", no_wrap=True, min_width=SPARK)
    sparks = curve.sparks(SPARK)
    for run in curve.runs:
        figures = (run.values[0], min(run.values), max(run.values), run.values[-1])
        shown = [f"{figure:.3g}" for figure in figures]
        table.add_row(run.letter, *shown, f"{run.steps[-1]:g}", sparks[run.letter])
    return table


def _accuracies(runs: Sequence[ComparedRun]) -> Table:
    table = _table("Held-out exam, strict accuracy")
    table.add_column("model")
    for run in runs:
        table.add_column(run.letter, justify="right", overflow="fold")
    for model, name in NAMES.items():
        if any(model in run.summary for run in runs):
            table.add_row(name, *(_accuracy(run.summary.get(model)) for run in runs))
    return table


def _accuracy(figures: Any) -> str:
    return NONE if figures is None else f"{percent(figures['strict_accuracy'])} of {figures['n']}"


def _tests(found: RunComparison) -> Table:
    table = _table("The same items, paired")
    table.add_column("model")
    table.add_column("runs", no_wrap=True)
    for column in ("points", "95 % interval", "n", "only one", "McNemar", "p", "Holm"):
        table.add_column(column, justify="right", no_wrap=True)
    for test in found.tests:
        pair = test.found
        table.add_row(
            NAMES[test.model],
            f"{test.second} - {test.first}",
            f"{100 * pair.difference:+.1f}",
            f"{100 * pair.low:+.1f} to {100 * pair.high:+.1f}",
            str(pair.n),
            "{} : {}".format(*reversed(pair.discordant)) if pair.discordant else NONE,
            *map(p_text, (test.mcnemar, pair.p, test.holm_p)),
        )
    return table
