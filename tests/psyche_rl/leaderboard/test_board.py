"""The leaderboard's figures: by hand, against the plain bootstrap, and against the paper's own arithmetic."""

from __future__ import annotations

import io
import random
import re

import pyarrow as pa
import pytest
from item_rows import HOSTILE, board_rows, item_row
from rich.console import Console

from psyche_rl.errors import DataError
from psyche_rl.evaluation.bootstrap import bootstrap_interval
from psyche_rl.evaluation.item_result import ItemResult
from psyche_rl.evaluation.stored_results import read_results
from psyche_rl.leaderboard import BoardCell, build, published_cells
from psyche_rl.leaderboard.board_cell import Resampling
from psyche_rl.leaderboard.board_latex import board_latex, latex
from psyche_rl.leaderboard.board_table import board_json, print_board
from psyche_rl.leaderboard.clustered_mean import clustered_interval
from psyche_rl.leaderboard.figure_text import contamination, number
from psyche_rl.leaderboard.published_rows import averages
from psyche_rl.store import RunStore

FEW = Resampling(draws=50)
LEAKED = {("warm_v2", "pceb"): frozenset({"theory-single-0"}), (HOSTILE, "pceb"): frozenset[str]()}


@pytest.fixture(scope="module")
def rows() -> list[ItemResult]:
    return board_rows(8)


@pytest.fixture(scope="module")
def board(rows):
    return build(rows, published_cells(), LEAKED, FEW)


def cell(board, model, group, metric, benchmark="pceb") -> BoardCell:
    (row,) = (r for r in board.rows if r.model == model and not r.published)
    return row.cells[benchmark, group, metric]


def test_a_cell_by_hand():
    score = {"mcq_strict": 1.0}
    rows = [
        item_row(item="a", sample=0, scores=score), item_row(item="a", sample=1, scores={"mcq_strict": 0.0}),
        item_row(item="b", cluster="q1", scores={"mcq_strict": 0.0}),
        item_row(item="c", cluster="q2", scores=score),
        item_row(item="d", cluster="q3", scores={}, unscored=("mcq_strict",), ended="failed"),
    ]  # fmt: skip
    found = cell(build(rows, contamination={("m", "pceb"): frozenset("cd")}), "m", "", "mcq_strict")
    assert (found.value, found.n, found.clusters, found.unscored) == (0.5, 3, 2, 1)
    assert (found.contaminated, found.value_clean) == (1, 0.25)
    assert contamination(found) == "1 of 3 items in training records; 25.0 without"
    unknown = cell(build(rows), "m", "", "mcq_strict")
    assert (unknown.contaminated, contamination(unknown)) == (None, "training records not checked")


def test_items_that_nothing_scored_have_no_figure_and_are_counted():
    found = cell(build([item_row(scores={}, unscored=("mcq_strict",))]), "m", "", "mcq_strict")
    assert (found.value, found.low, found.n, found.unscored) == (None, None, 0, 1)


def test_an_interval_is_the_plain_bootstrap_of_single_items_and_that_of_clusters_where_they_agree():
    draw = random.Random(3)
    values = [float(draw.random() < 0.6) for _ in range(60)]
    names = [str(i) for i in range(60)]
    plain = bootstrap_interval(values, 0.9, 400, 7)
    assert clustered_interval([(values, names)], 0.9, 400, 7) == pytest.approx(plain)
    tripled = ([v for v in values for _ in range(3)], [n for n in names for _ in range(3)])
    assert clustered_interval([tripled], 0.9, 400, 7) == pytest.approx(plain)
    with pytest.raises(ValueError, match="at least one value"):
        clustered_interval([([], [])], 0.9, 10, 0)


def test_terms_that_share_their_clusters_are_drawn_together():
    """Opposite values on the same clusters: the mean of the two means never moves."""
    names = [str(i) for i in range(20)]
    ups = [float(i % 2) for i in range(20)]
    low, high = clustered_interval([(ups, names), ([1 - u for u in ups], names)], 0.95, 200, 0)
    assert (low, high) == pytest.approx((0.5, 0.5))


def test_the_papers_averages_follow_from_its_columns():
    """Every published row; the averages are printed with two digits."""
    found = {(c.model, c.group, c.metric): c.value for c in published_cells()}
    models = {model for model, _, _ in found}
    assert len(models) == 5
    for model in models:
        for name, terms in averages()["pceb"].items():
            mean = sum(found[model, *term] for term in terms) / len(terms)
            assert mean == pytest.approx(found[model, "", name], abs=1.01e-4), (model, name)
    assert round(100 * found["Psyche-R1", "", "avg_strict"], 2) == 74.37
    assert round(100 * found["Psyche-R1", "", "avg_elastic"], 2) == 77.64


def test_an_average_is_the_mean_over_groups_and_needs_all_of_them(rows, board):
    parts = [cell(board, "warm_v2", *term).value for term in averages()["pceb"]["avg_elastic"]]
    assert cell(board, "warm_v2", "", "avg_elastic").value == pytest.approx(sum(parts) / 6)
    without = build([row for row in rows if row.part != "moral_single"], resampling=FEW)
    assert ("", "avg_strict") not in without.columns["pceb"]


def test_the_order_of_the_rows_changes_nothing(rows, board):
    mixed = random.Random(1).sample(rows, len(rows))
    assert board_json(build(mixed, published_cells(), LEAKED, FEW)) == board_json(board)


def test_rows_stand_best_first_and_a_published_row_stays_apart(rows, board):
    lead = [row.cells["pceb", "", "avg_strict"].value for row in board.rows_of("pceb")]
    assert lead == sorted(lead, reverse=True)
    assert not any(row.published for row in board.rows_of("essays_own"))
    twin = build([row.model_copy(update={"model": "Psyche-R1"}) for row in rows[:6]], published_cells())
    assert [row.published for row in twin.rows if row.model == "Psyche-R1"] == [False, True]
    theirs = [c for c in board.cells if c.published]
    assert {c.n for c in theirs} == {None}
    assert all("published, not rerun" in (c.source or "") for c in theirs)


def test_latex_shows_every_name_and_runs_none_of_them(board):
    text = board_latex(board)
    assert latex(HOSTILE) in text
    assert HOSTILE not in text
    assert latex("a_b%\\x\n{}") == r"a\_b\%\textbackslash{}x \{\}"
    commands = set(re.findall(r"\\([a-z]+)", text))
    assert commands <= {
        "begin", "end", "caption", "toprule", "midrule", "bottomrule", "usepackage", "textbackslash",
        "dagger", "textasciitilde", "textasciicircum", "textless", "textgreater", "textbar",
        "textquotedbl", "cdot",
    }  # fmt: skip
    body = [line for line in text.splitlines() if line.endswith(r"\\")]
    for line in body:
        assert len(re.findall(r"(?<!\\)&", line)) in (2, len(board.columns["pceb"]) + 1)
    assert r"$^\dagger$ published, not rerun" in text


def test_the_terminal_shows_a_name_as_it_is_written():
    buffer = io.StringIO()
    rows = [item_row(model="[bold]x[/bold]", scores={"mcq_strict": 1.0, "judge_warmth": 3.5})]
    print_board(build(rows, resampling=FEW), Console(file=buffer, width=200))
    assert "[bold]x[/bold]" in buffer.getvalue()
    assert "100.0 [100.0 – 100.0]" in buffer.getvalue()
    assert "3.50" in buffer.getvalue()


@pytest.mark.parametrize(
    ("metric", "text"),
    [("mcq_strict", "50.0"), ("rougeL_f1_zh_mean", "50.0"), ("eq_bench_v2", "0.50"), ("warmth", "0.50")],
)
def test_only_shares_are_written_in_percent(metric, text):
    assert number(0.5, metric) == text


def test_results_are_read_by_what_a_file_holds_and_each_once(tmp_path, rows):
    store = RunStore(str(tmp_path / "r"))
    store.write_records("a/x.parquet", ItemResult, rows[:3])
    store.write_records("b.parquet", ItemResult, rows[3:5])
    store.write_table("other.parquet", pa.table({"x": [1]}))
    assert sorted(r.key for r in read_results([store.url])) == sorted(r.key for r in rows[:5])
    assert read_results([f"{store.url}/b.parquet"]) == rows[3:5]
    with pytest.raises(DataError, match=r"sample 0, is in .*b.parquet already"):
        read_results([store.url, f"{store.url}/b.parquet"])
    with pytest.raises(DataError, match="no item results there"):
        read_results([f"{store.url}/other.parquet"])
    store.write_text("c.parquet", "no")
    for path, why in ((store.url, "cannot be read as parquet"), (f"{store.url}/gone", "no such file")):
        with pytest.raises(DataError, match=why):
            read_results([path])


def test_cells_travel_through_parquet(tmp_path, board):
    store = RunStore(str(tmp_path))
    store.write_records("cells.parquet", BoardCell, board.cells)
    assert store.read_records("cells.parquet", BoardCell) == board.cells
