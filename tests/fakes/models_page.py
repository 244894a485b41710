"""The table of docs/models.md against what tests find; ``PSYCHE_RL_WRITE_MODELS=1`` writes it instead."""

from __future__ import annotations

import os
from pathlib import Path

from model_families import FAMILIES

PAGE = Path(__file__).parents[2] / "docs" / "models.md"
COLUMNS = ("model", "model_type", "SFT", "GRPO", "LoRA", "packed", "shared", "tied")
_START, _END = "<!-- table: made by tests -->\n", "<!-- end of table -->\n"


def told(family: str) -> dict[str, str]:
    """Column -> cell of the family's row; none where there is no row."""
    return _read().get(FAMILIES[family].title, {})


def check(family: str, **found: str) -> None:
    """The page says what was found; or is made to."""
    if os.environ.get("PSYCHE_RL_WRITE_MODELS"):
        rows = _read()
        rows.setdefault(FAMILIES[family].title, {}).update(found)
        _write(rows)
    row = told(family)
    assert {column: row.get(column) for column in found} == found, (
        f"{PAGE} is out of date; PSYCHE_RL_WRITE_MODELS=1 rewrites it"
    )


def _read() -> dict[str, dict[str, str]]:
    lines = PAGE.read_text("utf-8").partition(_START)[2].partition(_END)[0].splitlines()[2:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: dict(zip(COLUMNS[1:], row[1:], strict=True)) for row in rows}


def _write(rows: dict[str, dict[str, str]]) -> None:
    lines = [COLUMNS, tuple("---" for _ in COLUMNS)]
    for family in FAMILIES.values():
        cells = {"model_type": f"`{family.model_type}`", **rows.get(family.title, {})}
        lines.append((family.title, *(cells.get(column, "?") for column in COLUMNS[1:])))
    before, _, rest = PAGE.read_text("utf-8").partition(_START)
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    PAGE.write_text(before + _START + table + _END + rest.partition(_END)[2], "utf-8")
