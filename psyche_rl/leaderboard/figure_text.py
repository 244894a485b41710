"""How a figure of the board is written, the same in terminal, LaTeX and page.

Pure. Invariant: what is no share of something is never written as a percentage: only metrics known to lie
in [0, 1] are.
"""

from __future__ import annotations

import re

from psyche_rl.leaderboard.board_cell import BoardCell

NONE = "–"
_SHARE = re.compile(
    r"pceb_avg.*|cpsyexam_avg|mcqa|mrqa|groups_right.*|mcq_.+|format|refusal|truncated|language_mix_.+|"
    r"keypoint_recall|(rouge|bleu|chrf).*|judge:.+:mean|crisis_resources|lookalike_answered|"
    r"[RB]-[1L4] as published|exact_text|numeric|(pass|maj)@\d+:.+"
)


def is_share(metric: str) -> bool:
    """Whether a metric's values are shares, which are shown in percent."""
    return _SHARE.fullmatch(metric) is not None


def number(value: float | None, metric: str, digits: int = 1) -> str:
    """``57.9`` for a share of 0.579, or the value itself."""
    if value is None:
        return NONE
    return f"{100 * value:.{digits}f}" if is_share(metric) else f"{value:.{digits + 1}f}"


def bounds(cell: BoardCell, digits: int = 1) -> str:
    """``55.0 – 60.2``, or nothing where there is no interval."""
    if cell.low is None or cell.high is None:
        return ""
    return f"{number(cell.low, cell.metric, digits)} – {number(cell.high, cell.metric, digits)}"


def contamination(cell: BoardCell) -> str:
    """What is known of the items in the model's training records, in words; nothing for published rows."""
    if cell.published:
        return ""
    if cell.contaminated is None:
        return "training records not checked"
    if not cell.contaminated:
        return "no item in training records"
    clean = "" if cell.value_clean is None else f"; {number(cell.value_clean, cell.metric)} without"
    return f"{cell.contaminated} of {cell.n} items in training records{clean}"


def heading(group: str, metric: str) -> str:
    """``case single, strict``; for the whole benchmark the metric alone."""
    named = metric.removeprefix("mcq_").replace("_", " ")
    return f"{group.replace('_', ' ')}, {named}" if group else named
