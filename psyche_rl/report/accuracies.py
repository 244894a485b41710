"""The table of accuracies: models by kinds of questions, worded once for terminal, page and benchmarks.

Reads what the evaluation stage wrote for each model (``eval/summary.json``).
Invariants:
- A figure that an older run did not record is a dash.
- Kinds stand in one order, whatever the order of the questions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psyche_rl.report.intervals import interval_of

NAMES = {"base": "Base", "sft": "SFT", "grpo": "GRPO"}
KIND_HEADINGS = {
    "single": "single choice",
    "multiple": "multiple choice",
    "case": "case",
    "short": "short answer",
}
NONE = "–"
Evaluation = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Accuracy:
    """Strict accuracy on some questions, its interval and their number."""

    share: str
    interval: str
    n: int


@dataclass(frozen=True)
class AccuracyRow:
    """One model. ``by_kind`` has the kinds of the table, in its order; None where it saw no such question."""

    model: str
    overall: Accuracy
    by_kind: Mapping[str, Accuracy | None]
    format_rate: str
    mean_length: str
    too_long: str
    judged: str
    """Share of the replies that a judge was asked about."""


def accuracy_rows(evaluation: Evaluation, confidence: float = 0.95) -> list[AccuracyRow]:
    """One row for each model, in the order given."""
    kinds = kinds_of(evaluation)
    return [_row(NAMES[model], result, kinds, confidence) for model, result in evaluation.items()]


def kinds_of(evaluation: Evaluation) -> list[str]:
    """The kinds of questions that any model was asked."""
    return [kind for kind in KIND_HEADINGS if any(kind in r.get("by_kind", {}) for r in evaluation.values())]


def print_accuracies(evaluation: Evaluation, confidence: float) -> None:
    """The table in the terminal."""
    from rich.table import Table

    from psyche_rl.terminal.console import PlainConsole

    table = Table(title="Held-out exam, strict accuracy")
    judge = ("judge",) if any("judged" in result for result in evaluation.values()) else ()
    for column in ("model", "all", "interval", *kinds_of(evaluation), "format", "length", "n", *judge):
        table.add_column(
            column, justify="left" if column == "model" else "right", no_wrap=column == "interval"
        )
    for row in accuracy_rows(evaluation, confidence):
        kinds = [part.share if part else NONE for part in row.by_kind.values()]
        overall = row.overall
        lengths = (row.format_rate, row.mean_length, str(overall.n), *(row.judged for _ in judge))
        table.add_row(row.model, overall.share, overall.interval, *kinds, *lengths)
    PlainConsole().print(table)


def percent(value: float | None) -> str:
    """``12.3 %``."""
    return NONE if value is None else f"{100 * value:.1f} %"


def interval(bounds: tuple[float, float]) -> str:
    """``10.0 – 15.0 %``."""
    return f"{100 * bounds[0]:.1f} – {100 * bounds[1]:.1f} %"


def _row(name: str, result: Mapping[str, Any], kinds: list[str], confidence: float) -> AccuracyRow:
    parts = result.get("by_kind", {})
    length, too_long = result.get("mean_length"), result.get("too_long")
    return AccuracyRow(
        name,
        _accuracy(result, confidence),
        {kind: _accuracy(parts[kind], confidence) if kind in parts else None for kind in kinds},
        percent(result["format_rate"]),
        NONE if length is None else f"{length:.1f}",
        NONE if too_long is None else f"{too_long:,}",
        percent(result.get("judged", {}).get("share")),
    )


def _accuracy(part: Mapping[str, Any], confidence: float) -> Accuracy:
    bounds = interval(interval_of(part, confidence))
    return Accuracy(percent(part["strict_accuracy"]), bounds, part["n"])
