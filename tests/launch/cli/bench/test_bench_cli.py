"""``psyche-rl bench``: list, score stored replies, compare models."""

import json

import pytest
from typer.testing import CliRunner

from data_pipeline.benchmarks.load_items import load_items
from launch.cli.app import app
from psyche_rl.evaluation.catalogue import find_benchmark

BENCHMARK = "cmmlu_psychology"
ITEMS = 80


def command(*arguments):
    return CliRunner().invoke(app, ["bench", *map(str, arguments)])


def score(folder, replies, *more):
    data = folder / "professional_psychology.json"
    return command("score", replies, "--benchmark", BENCHMARK, "--data", data, "--draws", 50, *more)


@pytest.fixture(scope="module")
def replies(tmp_path_factory):
    """(file of a model that is always right, of one that says A)."""
    folder = tmp_path_factory.mktemp("replies")
    data = folder / "professional_psychology.json"
    options = dict(zip("ABCD", "甲乙丙丁", strict=True))
    exam = [
        {"question": f"第{at}问（ ）", "options": options, "answer": "ABCD"[at % 4]}
        for at in range(ITEMS + 10)
    ]
    data.write_text(json.dumps(exam), "utf-8")
    items = load_items(find_benchmark(BENCHMARK), str(data)).items[:ITEMS]
    for name, said in {"right": lambda item: item.gold, "always_a": lambda item: "A"}.items():
        rows = [{"id": item.id, "response": f"<think>想</think>答案：{said(item)}"} for item in items]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return folder, items


def test_the_list_says_what_there_is_and_where_to_get_it():
    told = json.loads(command("list", "--json").stdout)
    assert {"pceb", "cpsyexam_dev", "emobench", "eq_bench_v2"} <= {each["name"] for each in told}
    one = json.loads(command("list", "eq_bench_v2", "--json").stdout)
    assert (one["caution"], "github.com" in one["get"]) == ("not run on the real file", True)
    assert "get: clone" in command("list", "pceb").stdout
    assert command("list", "--data", "x").exit_code == 2


def test_stored_replies_are_scored_without_a_model(replies):
    folder, _ = replies
    done = score(folder, folder / "always_a.jsonl", "--json")
    told = json.loads(done.stdout)
    assert done.exit_code == 0
    strict = told["figures"]["mcq_strict"]
    assert (strict["value"], strict["n"], strict["clusters"]) == (0.25, ITEMS, ITEMS)
    assert strict["low"] < 0.25 < strict["high"]
    assert told["by"]["part"]["professional_psychology"]["mcq_strict"]["value"] == 0.25
    assert (told["model"], told["missing"], told["bad_rows"]) == ("always_a", 10, 0)
    table = score(folder, folder / "right.jsonl").stdout
    assert "80 of 90 items" in table
    assert "not run on the real file" in table


def test_models_are_compared_on_the_items_that_both_have(replies):
    folder, items = replies
    for name in ("right", "always_a"):
        scored = score(folder, folder / f"{name}.jsonl", "--out", folder / f"{name}.parquet")
        assert scored.exit_code == 0, scored.output
    files = folder / "always_a.parquet", folder / "right.parquet"
    (told,) = json.loads(command("compare", *files, "--json").stdout)
    wrong = sum(item.gold != "A" for item in items)
    assert (told["first_model"], told["second_model"], told["n"]) == ("always_a", "right", 80)
    assert told["discordant"] == [0, wrong]
    assert told["difference"] == pytest.approx(wrong / 80)
    assert max(told["p"], told["holm_p"], told["mcnemar_p"]) < 0.01
    assert "right 1.0000 - always_a 0.2500 = +0.7500" in command("compare", *files).stdout
    assert (told["win_rate"]["wins"], told["win_rate"]["ties"]) == (wrong, 80 - wrong)
    judged = json.loads(command("agree", *files, "--metric", "mcq_strict", "--json").stdout)
    assert judged["rated"] == {"always_a": 80, "right": 80}
    assert judged["kappas"] == {"always_a and right": pytest.approx(0.0)}
    assert command("agree", *files, "--metric", "none").exit_code == 2
    assert command("compare", files[0]).exit_code == 2
    assert command("compare", files[0], files[0]).exit_code == 2
    assert command("compare", files[0], folder / "right.jsonl").exit_code == 2


def test_bad_rows_are_named_and_the_rest_is_scored(replies, tmp_path):
    folder, _ = replies
    path = tmp_path / "mixed.jsonl"
    path.write_text((folder / "right.jsonl").read_text("utf-8") + '{"id": "x", "response": "A"}\n', "utf-8")
    done = score(folder, path, "--json")
    assert done.exit_code == 1
    assert "row 81: no item of cmmlu_psychology has the id 'x'" in done.stderr
    assert json.loads(done.stdout)["figures"]["mcq_strict"]["value"] == 1.0
    nothing = score(folder, tmp_path / "none.jsonl")
    assert (nothing.exit_code, "no such file" in nothing.stderr) == (2, True)
