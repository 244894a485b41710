"""The leaderboard: several models on several benchmarks, cell by cell, beside published rows."""

from psyche_rl.leaderboard.board_cell import BoardCell
from psyche_rl.leaderboard.leaderboard import Leaderboard, build
from psyche_rl.leaderboard.published_rows import published_cells

__all__ = ["BoardCell", "Leaderboard", "build", "published_cells"]
