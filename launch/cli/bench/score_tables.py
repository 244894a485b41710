"""What ``psyche-rl bench score`` prints and writes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data_pipeline.benchmarks.loaded_items import LoadedItems
    from data_pipeline.benchmarks.stored_replies import ScoredReplies

SHOWN = ("part", "level", "subject")
METRICS = ("mcq_", "rouge", "bleu", "chrf", "keypoint", "eq_bench", "judge:", "crisis_", "lookalike_")
"""How names begin that groups are shown by; JSON has all."""


def write_submission(path: str, loaded: LoadedItems, scored: ScoredReplies) -> None:
    """CPsyExam's file."""
    import fsspec

    from data_pipeline.benchmarks.submission import submission
    from psyche_rl.store.atomic import written_file

    fs, target = fsspec.core.url_to_fs(path)
    with written_file(fs, target) as file:
        text = json.dumps(submission(loaded.items, scored.results), ensure_ascii=False, indent=2)
        file.write(text.encode())


def print_tables(found: dict[str, Any]) -> None:
    """What stored replies are worth, for people: figures, then the rest by part, level and subject."""
    from rich.table import Table

    from psyche_rl.terminal.console import PlainConsole

    console = PlainConsole()
    all_items = found["items_of_benchmark"]
    console.print(
        f"{found['benchmark']} (version {found['version']}): {found['items']} of {all_items}"
        f" items, {found['replies']} replies, {found['missing']} without one",
        markup=False,
    )
    if found["caution"]:
        console.print(f"the loader of this benchmark was {found['caution']}")
    table = Table("figure", "value", "95 % interval", "n", "cases")
    for name, figure in found["figures"].items():
        marked = f"{name} *" if name in found["headline"] else name
        table.add_row(marked, *_cells(figure))
    console.print(table)
    for by in SHOWN:
        groups = found["by"][by]
        if len(groups) > 1:
            _print_groups(console, by, groups)
    for what in ("unscored", "left_out", "replies_to_left_out", "ended"):
        if found.get(what):
            counts = ", ".join(f"{name} {count}" for name, count in found[what].items())
            console.print(f"{what.replace('_', ' ')}: {counts}", markup=False)


def _print_groups(console: Any, by: str, groups: dict[str, dict[str, Any]]) -> None:
    from rich.table import Table

    table = Table(by, "figure", "value", "95 % interval", "n", "cases")
    for group, figures in groups.items():
        for name, figure in figures.items():
            if name.startswith(METRICS):
                table.add_row(group, name, *_cells(figure))
        table.add_section()
    console.print(table)


def _cells(figure: dict[str, Any]) -> tuple[str, ...]:
    interval = f"{_value(figure['low'])} to {_value(figure['high'])}"
    return _value(figure["value"]), interval, str(figure["n"]), str(figure["clusters"])


def _value(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
