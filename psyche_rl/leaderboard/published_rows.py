"""Reference rows that others have published, and the averages that they are compared by.

Collaborators: ``published.yaml`` and ``averages.yaml`` hold the figures and definitions. Invariants:
- A published figure has no rows behind it: no n, no interval, and the word "published" wherever it is shown.
- Percentages become shares; metrics whose tokenizer or prompt is not public keep names of their own, so that
  they never stand in a column with ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from psyche_rl.leaderboard.board_cell import BoardCell

HERE = Path(__file__).parent
NOTE = "published, not rerun"
Averages = Mapping[str, Mapping[str, Sequence[tuple[str, str]]]]
"""benchmark -> name -> the (group, metric) of each term."""


def published_cells() -> list[BoardCell]:
    """All published figures as cells."""
    tables = yaml.safe_load((HERE / "published.yaml").read_text("utf-8"))
    return [
        BoardCell(
            model=model,
            benchmark=table["benchmark"],
            group=group,
            metric=metric,
            value=value / 100 if table["unit"] == "percent" else value,
            published=True,
            source=f"{table['source']}; {NOTE}",
        )
        for table in tables
        for model, values in table["rows"].items()
        for (group, metric), value in zip(table["columns"], values, strict=True)
    ]


def averages() -> Averages:
    """The averages over groups that a benchmark's authors report."""
    found = yaml.safe_load((HERE / "averages.yaml").read_text("utf-8"))
    return {
        benchmark: {name: [(group, metric) for group, metric in terms] for name, terms in named.items()}
        for benchmark, named in found.items()
    }
