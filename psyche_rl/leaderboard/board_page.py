"""The leaderboard as one self-contained HTML page: sortable, every figure with its items, light and dark.

Collaborators: ``board_page.html.j2`` lays out, ``board_page.css`` and ``board_page.js`` are put into it.
Invariants:
- No network: the page forbids it to itself, and works from a file.
- Text of models reaches the page escaped by jinja, or as packed data that the script shows as text alone.
- Items that are left out to keep the page small are counted where they would stand.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from psyche_rl.evaluation.item_result import ItemResult
from psyche_rl.evaluation.prompt_messages import messages_of
from psyche_rl.leaderboard.figure_text import bounds, contamination, heading, number
from psyche_rl.leaderboard.leaderboard import Contamination, Leaderboard
from psyche_rl.leaderboard.published_rows import NOTE
from psyche_rl.pages.html_page import html_environment, page_styles

HERE = Path(__file__).parent
ITEMS = 5000
"""Items of a model on a benchmark that the page carries, about 0.5 KB each once packed."""


def board_page(
    board: Leaderboard,
    results: Sequence[ItemResult],
    contaminated: Contamination | None = None,
    title: str = "Leaderboard",
    items: int = ITEMS,
) -> str:
    """The whole page as text.

    Args:
        results: the rows that the board was built from.
        items: at most so many items of each model and benchmark are put into the page.
    """
    environment = html_environment("psyche_rl.leaderboard")
    environment.globals.update(number=number, bounds=bounds, contamination=contamination, heading=heading)
    packs, places = _packs(results, contaminated or {}, items)
    return environment.get_template("board_page.html.j2").render(
        board=board,
        title=title,
        note=NOTE,
        places=places,
        packs=packs,
        css=page_styles(HERE / "board_page.css"),
        js=Markup((HERE / "board_page.js").read_text("utf-8")),
        models=sum(not row.published for row in board.rows),
        replies=len(results),
    )


def _packs(
    results: Sequence[ItemResult], contaminated: Contamination, most: int
) -> tuple[list[str], dict[tuple[str, str], int]]:
    """The items of each model and benchmark, packed, and (model, benchmark) -> place among them."""
    pairs: defaultdict[tuple[str, str], list[ItemResult]] = defaultdict(list)
    for row in results:
        pairs[row.model, row.benchmark].append(row)
    packs, places = [], {}
    for at, (pair, rows) in enumerate(sorted(pairs.items())):
        ordered = sorted(rows, key=lambda row: row.key)
        kept = set(list(dict.fromkeys(row.item for row in ordered))[:most])
        leaked = contaminated.get(pair, frozenset())
        shown = [_item(row, row.item in leaked) for row in ordered if row.item in kept]
        left_out = len({row.item for row in ordered}) - len(kept)
        content = json.dumps(
            {"items": shown, "left_out": left_out}, ensure_ascii=False, separators=(",", ":")
        )
        packs.append(base64.b64encode(gzip.compress(content.encode(), mtime=0)).decode())
        places[pair] = at
    return packs, places


def _item(row: ItemResult, leaked: bool) -> dict[str, Any]:
    whole = row.model_dump(
        include={
            "item", "sample", "subject", "level", "cluster", "response", "reasoning", "gold", "answer",
            "rule", "scores", "unscored", "notes", "ended", "error",
        }
    )  # fmt: skip
    return {**whole, "prompt": messages_of(row.prompt), "group": row.part, "leaked": leaked}
