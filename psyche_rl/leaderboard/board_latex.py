"""The leaderboard as a LaTeX table in booktabs' style, one for each benchmark.

Pure. Invariants:
- Every name is escaped, so that no model's name is a command; names in Chinese need xeCJK or ctex, which the
  first line says.
- Published rows carry a dagger that the caption explains.
"""

from __future__ import annotations

from psyche_rl.leaderboard.board_cell import BoardCell
from psyche_rl.leaderboard.figure_text import NONE, contamination, heading, number
from psyche_rl.leaderboard.leaderboard import BoardRow, Leaderboard
from psyche_rl.leaderboard.published_rows import NOTE

_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{",
    "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", "·": r"$\cdot$", NONE: "--", '"': r"\textquotedbl{}",
}  # fmt: skip


def board_latex(board: Leaderboard) -> str:
    """The tables; needs the package booktabs."""
    tables = [_table(board, benchmark) for benchmark in board.columns]
    return "% needs \\usepackage{booktabs}; names in Chinese need XeLaTeX with ctex\n" + "\n".join(tables)


def latex(text: str) -> str:
    """Text that LaTeX shows as it is; line breaks and tabs become spaces."""
    return "".join(_SPECIAL.get(character, character) for character in " ".join(text.split()))


def _table(board: Leaderboard, benchmark: str) -> str:
    columns = board.columns[benchmark]
    rows = board.rows_of(benchmark)
    notes = [f"{100 * board.settings.confidence:g} % intervals (cluster bootstrap) in brackets"]
    if any(row.published for row in rows):
        notes.append(f"† {NOTE}: {'; '.join(sorted({_source(row) for row in rows if row.published}))}")
    if caution := board.cautions.get(benchmark):
        notes.append(caution)
    notes += [
        f"{row.model}: {contamination(lead)}"
        for row in rows
        if not row.published and (lead := board.lead(row, benchmark)) is not None
    ]
    caption = latex(f"{benchmark}. {'. '.join(notes)}.").replace("†", r"$^\dagger$")
    lines = [
        r"\begin{table}",
        rf"\caption{{{caption}}}",
        rf"\begin{{tabular}}{{l{'r' * (len(columns) + 1)}}}",
        r"\toprule",
        " & ".join(["model", *(latex(heading(*column)) for column in columns), "$n$"]) + r" \\",
        r"\midrule",
        *(_row(row, benchmark, board) for row in rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _row(row: BoardRow, benchmark: str, board: Leaderboard) -> str:
    lead = board.lead(row, benchmark)
    cells = [_cell(row.cells.get((benchmark, *column))) for column in board.columns[benchmark]]
    name = latex(row.model) + (r"$^\dagger$" if row.published else "")
    n = "--" if lead is None or lead.n is None else str(lead.n)
    return " & ".join([name, *cells, n]) + r" \\"


def _cell(cell: BoardCell | None) -> str:
    if cell is None or cell.value is None:
        return "--"
    value = number(cell.value, cell.metric)
    if cell.low is None or cell.high is None:
        return value
    return f"{value} [{number(cell.low, cell.metric)}, {number(cell.high, cell.metric)}]"


def _source(row: BoardRow) -> str:
    return (row.source or "").removesuffix(f"; {NOTE}")
