"""``psyche-rl decontaminate`` as a user meets it: files in, files out, a list of what matched."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from test_cli import HEAVY, modules_after
from typer.testing import CliRunner

from launch.cli.app import app

STEM, OPTIONS = "短时记忆的容量一般认为是（ ）", ["五个组块", "七个组块", "九个组块", "没有限度"]
EXAM = [
    {"question": STEM, "options": dict(zip("ABCD", OPTIONS, strict=True)), "answer": "B"},
    {"case_introduction": "求助者反复洗手三个月。", "questions_and_answers": [{"question": "如何诊断"}]},
]
CLEAN = {"prompt": "睡眠有什么用？", "completion": "恢复体力。", "meta": {"n": 1, "tags": ["a", None]}}
CHOICES = "\nA.{3}\nB.{1}\nC.{0}\nD.{2}".format(*OPTIONS)
CHAT = {
    "messages": [
        {"role": "user", "content": f"多选题：{STEM}{CHOICES}"},
        {"role": "assistant", "content": "<think>七加减二</think>答案：B"},
    ]
}  # fmt: skip
ALPACA = {"instruction": STEM, "input": "\n".join(f"{x}. {o}" for x, o in zip("ABCD", OPTIONS, strict=True))}
CASE = {
    "general_info": "女，20岁。",
    "questions_and_answers": [
        {"question": "该求助者的年龄是多少岁", "options": {"A": "20", "B": "30"}},
        {"question": STEM, "options": OPTIONS},
    ],
}


@pytest.fixture
def exam(tmp_path) -> str:
    path = tmp_path / "exam.json"
    path.write_text(json.dumps(EXAM, ensure_ascii=False), "utf-8")
    return str(path)


def command(*arguments: object):
    return CliRunner().invoke(app, ["decontaminate", *map(str, arguments)])


def write_jsonl(path, *rows) -> list[str]:
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return lines


def test_jsonl_keeps_the_lines_that_hold_no_item_as_they_are(tmp_path, exam):
    odd = '{"prompt":   "睡眠有什么用？", "n": 1.50}'
    write_jsonl(tmp_path / "train.jsonl", odd, CHAT, CLEAN, ALPACA, CASE)
    out = tmp_path / "out"
    done = command(tmp_path / "train.jsonl", "--against", exam, "--out", out)
    assert done.exit_code == 0, done.output
    kept = (out / "kept" / "train.jsonl").read_text("utf-8").splitlines()
    assert kept[0] == odd
    assert [json.loads(line) for line in kept[1:]] == [
        CLEAN,
        {**CASE, "questions_and_answers": CASE["questions_and_answers"][:1]},
    ]
    matches = pq.read_table(out / "matches.parquet").to_pylist()
    assert [(m["record_id"], m["evaluation_set"], m["place"]) for m in matches] == [
        (f"train.jsonl:{row}", "exam.json", "exam.json row 1 item 1") for row in ("2", "4", "5:2")
    ]
    assert "exam.json: 2 items" in done.output
    assert "3 of 6 records hold an evaluation item" in done.output
    report = json.loads((out / "report.json").read_text("utf-8"))
    assert (report["compared"], report["removed"], report["rows"]) == ({"record": 6}, {"record": 3}, 5)


def test_parquet_keeps_its_schema(tmp_path, exam):
    (tmp_path / "data" / "deep").mkdir(parents=True)
    table = pa.table({
        "question": ["睡眠的功能是", STEM], "options": [["恢复", "消耗"], OPTIONS[::-1]],
        "n": pa.array([1, 2], pa.int8()),
    })  # fmt: skip
    pq.write_table(table, tmp_path / "data" / "deep" / "a.parquet")
    out = tmp_path / "out"
    assert command(tmp_path / "data", "--against", exam, "--out", out).exit_code == 0
    assert pq.read_table(out / "kept" / "deep" / "a.parquet").equals(table.slice(0, 1))
    (match,) = pq.read_table(out / "matches.parquet").to_pylist()
    assert (match["record_id"], match["rule"], match["score"]) == ("deep/a.parquet:2", "exact", 1.0)


def test_a_row_that_cannot_be_read_is_told_and_not_kept(tmp_path, exam):
    lines = write_jsonl(tmp_path / "train.jsonl", CLEAN, '{"prompt": ')
    out = tmp_path / "out"
    done = command(tmp_path / "train.jsonl", "--against", exam, "--out", out)
    assert done.exit_code == 1
    assert "train.jsonl: row 2: not valid JSON" in done.stderr
    assert (out / "kept" / "train.jsonl").read_text("utf-8").splitlines() == lines[:1]
    assert pq.read_table(out / "quarantine.parquet").num_rows == 1


def test_check_tells_by_its_exit_code_and_writes_nothing(tmp_path, exam):
    write_jsonl(tmp_path / "clean.jsonl", CLEAN)
    write_jsonl(tmp_path / "dirty.jsonl", CLEAN, CHAT)
    before = sorted(tmp_path.rglob("*"))
    clean = command(tmp_path / "clean.jsonl", "--against", exam, "--check", "--json")
    assert (clean.exit_code, json.loads(clean.stdout)["removed"]) == (0, {"record": 0})
    assert command(tmp_path / "dirty.jsonl", "--against", exam, "--check").exit_code == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_mistakes_are_one_line_with_a_remedy(tmp_path, exam):
    data = tmp_path / "train.jsonl"
    write_jsonl(data, CLEAN)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    (tmp_path / "none.json").write_text('[{"a": 1}]')
    for arguments, said in (
        ((tmp_path / "no.jsonl", "--against", exam, "--check"), "no.jsonl: no such file"),
        ((data, "--against", tmp_path / "no.json", "--check"), "no.json: no such file"),
        ((data, "--against", tmp_path / "none.json", "--check"), "no exam item among 1 rows"),
        ((data, "--against", exam, "--out", tmp_path / "full"), "not an empty folder"),
        ((data, "--against", exam), "--out DIR"),
        ((data, "--against", exam, "--check", "--share", 2), "--share: Input should be less"),
        ((tmp_path / "full" / "x", "--against", exam, "--check"), "no file of a known kind"),
    ):
        done = command(*arguments)
        assert done.exit_code == 2, (arguments, done.output)
        (line,) = done.stderr.strip().splitlines()
        assert line.startswith("error: ")
        assert said in line


def test_it_needs_neither_ray_nor_torch():
    assert not modules_after("import data_pipeline.decontamination.files") & HEAVY
