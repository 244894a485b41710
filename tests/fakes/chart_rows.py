"""The data of a chart as rows, as the page's script reads them."""

from __future__ import annotations

from typing import Any

from psyche_rl.charts import Chart


def chart_rows(chart: Chart) -> list[dict[str, Any]]:
    """One mapping for each row, words in place of their numbers."""
    parts = chart.parts()
    columns, words = parts["columns"], parts["words"]
    length = len(next(iter(columns.values()), ()))
    return [
        {name: words[name][of[i]] if name in words else of[i] for name, of in columns.items()}
        for i in range(length)
    ]
