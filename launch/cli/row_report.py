"""What reading makes of each row, as a file of JSON lines and a summary table on stderr.

Role: what the commands that show rows without a run have in common (``exam``, ``clean``).
Invariants:
- One object a row, in the order of the input; the file is whole or absent.
- Whatever stands in a row can be written; stdout stays empty.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import fsspec

from psyche_rl.store.atomic import written_file
from rewards.text.unicode import whole_characters

MOST_REASONS = 25


def write_report(title: str, rows: Iterable[Mapping[str, Any]], out: str, noise: str = "") -> None:
    """Write rows, each with ``outcome`` and ``reason``, to ``out``, and say how many ended in which way.

    Args:
        noise: a regular expression of what differs from row to row in reasons that are else the same.
    """
    target = str(Path(out).expanduser().absolute())
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    counts: Counter[tuple[str, str]] = Counter()
    with written_file(fsspec.filesystem("file"), target) as file:
        for row in rows:
            counts[str(row["outcome"]), _without(noise, str(row["reason"]))] += 1
            line = json.dumps(row, ensure_ascii=False, default=str)
            file.write(f"{whole_characters(line)}\n".encode())
    _print_summary(title, counts)


def _without(noise: str, reason: str) -> str:
    import re

    return re.sub(noise, "…", reason) if noise else reason


def _print_summary(title: str, counts: Counter[tuple[str, str]]) -> None:
    from rich.table import Table

    from psyche_rl.terminal.console import PlainConsole

    table = Table(title=title)
    table.add_column("rows", justify="right")
    table.add_column("outcome")
    table.add_column("reason", overflow="fold")
    ends = Counter[str]()
    for (outcome, _), count in counts.items():
        ends[outcome] += count
    for outcome in sorted(ends, key=lambda each: (each != "ok", -ends[each], each)):
        table.add_row(str(ends[outcome]), outcome, "")
        reasons = [(n, reason) for (end, reason), n in counts.items() if end == outcome and reason]
        ranked = sorted(reasons, key=lambda each: (-each[0], each[1]))
        for count, reason in ranked[:MOST_REASONS]:
            table.add_row(str(count), "", reason)
        if len(ranked) > MOST_REASONS:
            table.add_row("", "", f"… and {len(ranked) - MOST_REASONS} other reasons")
    table.add_section()
    table.add_row(str(counts.total()), "all", "")
    PlainConsole(stderr=True).print(table)
