"""``bench psychometrics`` on stored replies."""

import json

import pyarrow.parquet as pq
from item_rows import item_row
from typer.testing import CliRunner

from launch.cli.app import app
from psyche_rl.errors import DataError
from psyche_rl.evaluation.item_result import ItemResult

SCORES = [(3, 3), (0, 0), (1, 2), (2, 2)]


def run(tmp_path, *options, gold=None):
    rows = [
        item_row(
            item=f"q{n}", kind="short", response=f"<think>想</think>1. {a}\n2. {b}",
            gold=gold or json.dumps({"1": a, "2": min(b + (n == 1), 3)}),
        )
        for n, (a, b) in enumerate(SCORES)
    ]  # fmt: skip
    path = tmp_path / "results.parquet"
    pq.write_table(ItemResult.to_table(rows), path)
    return CliRunner().invoke(app, ["bench", "psychometrics", str(path), *options])


def test_alpha_of_both_and_the_correlation_of_their_sums(tmp_path):
    told = json.loads(run(tmp_path, "--json").stdout)
    assert (told["alpha_said"]["people"], told["alpha_said"]["items"]) == (4, 2)
    assert 0.9 < told["alpha_gold"]["alpha"] < told["alpha_said"]["alpha"] < 1
    assert 0.9 < told["convergent"]["value"] < 1
    shown = run(tmp_path).stdout
    assert "Cronbach's alpha of the scores given: 0.9" in shown
    assert "4 people with all items" in shown


def test_replies_to_something_else_are_one_line(tmp_path):
    refused = run(tmp_path, gold="B")
    assert isinstance(refused.exception, DataError)
    assert "is not JSON; give replies to questionnaires" in str(refused.exception)
