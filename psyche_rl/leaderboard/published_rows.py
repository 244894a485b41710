"""Reference rows that others have published.

Collaborator: ``published.yaml`` holds the figures. Invariants:
- A published figure has no rows behind it: no n, no interval, and the word "published" wherever it is shown.
- Percentages become shares; metrics whose tokenizer or prompt is not public keep names of their own, so that
  they never stand in a column with ours.
"""

from __future__ import annotations

from pathlib import Path

import yaml

from psyche_rl.leaderboard.board_cell import BoardCell

HERE = Path(__file__).parent
NOTE = "published, not rerun"


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
