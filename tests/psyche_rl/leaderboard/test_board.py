"""The leaderboard's figures: by hand, against the plain bootstrap, and against the paper's own arithmetic."""

from __future__ import annotations

import io
import random
import re

import pyarrow as pa
import pytest
from item_rows import HOSTILE, board_rows, item_row, own_essays
from rich.console import Console

from psyche_rl.errors import DataError
from psyche_rl.evaluation.benchmark_figures import figures_of
from psyche_rl.evaluation.catalogue import shipped_benchmarks
from psyche_rl.evaluation.cluster_draws import BootstrapSettings
from psyche_rl.evaluation.headline import ELASTIC, PCEB_TOPICS, STRICT, pceb_average
from psyche_rl.evaluation.item_result import ItemResult
from psyche_rl.evaluation.result_files import read_results
from psyche_rl.leaderboard import BoardCell, build, published_cells
from psyche_rl.leaderboard.board_latex import board_latex, latex
from psyche_rl.leaderboard.board_table import board_json, print_board
from psyche_rl.leaderboard.figure_text import contamination, number
from psyche_rl.store import RunStore

FEW = BootstrapSettings(draws=50)
OWN = [own_essays()]
LEAKED = {("warm_v2", "pceb"): frozenset({"theory-single-0"}), (HOSTILE, "pceb"): frozenset[str]()}


@pytest.fixture(scope="module")
def rows() -> list[ItemResult]:
    return board_rows(8)


@pytest.fixture(scope="module")
def board(rows):
    return build(rows, published_cells(), LEAKED, FEW, OWN)


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


def test_the_papers_averages_follow_from_its_columns():
    """Every published row; the averages are printed with two digits."""
    found = {(c.model, c.group, c.metric): c.value for c in published_cells()}
    models = {model for model, _, _ in found}
    assert len(models) == 5
    for model in models:
        single, strict, elastic = (
            [found[model, f"{topic}_{kind}", metric] for topic in PCEB_TOPICS]
            for kind, metric in (("single", STRICT), ("multiple", STRICT), ("multiple", ELASTIC))
        )
        for name, mean in zip(
            ("pceb_avg", "pceb_avg_elastic"), pceb_average(single, strict, elastic), strict=True
        ):
            assert mean == pytest.approx(found[model, "", name], abs=1.01e-4), (model, name)
    assert round(100 * found["Psyche-R1", "", "pceb_avg"], 2) == 74.37
    assert round(100 * found["Psyche-R1", "", "pceb_avg_elastic"], 2) == 77.64


def test_figures_are_those_of_bench_score(rows, board):
    own = [row for row in rows if (row.model, row.benchmark) == ("warm_v2", "pceb")]
    figures = figures_of(shipped_benchmarks()["pceb"], own, FEW)
    shown = cell(board, "warm_v2", "", "pceb_avg_elastic")
    told = figures.figures["pceb_avg_elastic"]
    assert (shown.value, shown.low, shown.high, shown.n) == (told.value, told.low, told.high, told.n)
    part = cell(board, "warm_v2", "moral_multiple", "mcq_strict")
    assert part.value == figures.by["part"]["moral_multiple"]["mcq_strict"].value
    assert board.columns["pceb"][:4] == (
        ("", "pceb_avg"), ("", "pceb_avg_elastic"), ("", "mcq_strict"), ("", "mcq_elastic"),
    )  # fmt: skip
    without = build([row for row in rows if row.part != "moral_single"], settings=FEW, own=OWN)
    assert ("", "pceb_avg") not in without.columns["pceb"]


def test_the_order_of_the_rows_changes_nothing(rows, board):
    mixed = random.Random(1).sample(rows, len(rows))
    assert board_json(build(mixed, published_cells(), LEAKED, FEW, OWN)) == board_json(board)


def test_rows_stand_best_first_and_a_published_row_stays_apart(rows, board):
    lead = [row.cells["pceb", "", "pceb_avg"].value for row in board.rows_of("pceb")]
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
        assert len(re.findall(r"(?<!\\)&", line)) in {len(found) + 1 for found in board.columns.values()}
    assert r"$^\dagger$ published, not rerun" in text


def test_the_terminal_shows_a_name_as_it_is_written():
    buffer = io.StringIO()
    rows = [item_row(model="[bold]x[/bold]", scores={"mcq_strict": 1.0, "warmth": 3.5})]
    print_board(build(rows, settings=FEW), Console(file=buffer, width=200))
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
    assert sorted(r.key for r in read_results(store.url)) == sorted(r.key for r in rows[:5])
    assert read_results(f"{store.url}/b.parquet") == rows[3:5]
    with pytest.raises(DataError, match=r"sample 0, is in .*b.parquet already"):
        read_results(store.url, f"{store.url}/b.parquet")
    with pytest.raises(DataError, match="no shipped benchmark: give its description"):
        build([item_row(benchmark="mine")])
    with pytest.raises(DataError, match="no item results there"):
        read_results(f"{store.url}/other.parquet")
    store.write_text("c.parquet", "no")
    for path, why in ((store.url, "holds no rows that can be read"), (f"{store.url}/gone", "no such file")):
        with pytest.raises(DataError, match=why):
            read_results(path)


def test_cells_travel_through_parquet(tmp_path, board):
    store = RunStore(str(tmp_path))
    store.write_records("cells.parquet", BoardCell, board.cells)
    assert store.read_records("cells.parquet", BoardCell) == board.cells
