"""The leaderboard's files: page, JSON, parquet and LaTeX in one folder.

Invariant: each file is whole or as it was before; other files in the folder are left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from psyche_rl.evaluation.item_result import ItemResult
from psyche_rl.leaderboard.board_cell import BoardCell
from psyche_rl.leaderboard.board_latex import board_latex
from psyche_rl.leaderboard.board_page import board_page
from psyche_rl.leaderboard.board_table import board_json
from psyche_rl.leaderboard.leaderboard import Contamination, Leaderboard
from psyche_rl.store import RunStore

NAME = "leaderboard"


def write_board(
    board: Leaderboard,
    results: Sequence[ItemResult],
    contaminated: Contamination,
    out: Path,
    title: str,
    items: int,
) -> None:
    """Write ``leaderboard.html``, ``.json``, ``.parquet`` and ``.tex`` into ``out``.

    Raises:
        RunFolderError: the folder cannot be made.
    """
    store = RunStore(str(out))
    store.write_text(f"{NAME}.html", board_page(board, results, contaminated, title, items))
    store.write_json(f"{NAME}.json", board_json(board))
    store.write_records(f"{NAME}.parquet", BoardCell, board.cells)
    store.write_text(f"{NAME}.tex", board_latex(board))
