"""``psyche-rl exam``: a line for each question of each row, in order, with the same ids as in a run."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from data_pipeline.ingest import ingest_questions
from launch.cli.app import app

FIELDS = ["id", "source", "row", "stem", "case", "options", "gold", "kind", "outcome", "reason"]
ITEM = {"question": "短时记忆的容量约为（ ）", "options": {"A": "七个", "B": "七十个"}, "answer": "A"}
ROWS = [
    ITEM,
    {**ITEM, "question": "短时记忆的容量约为"},
    {**ITEM, "question": "没有选项", "options": {}},
    {
        "case": "男，30岁。",
        "questions_and_answers": [{**ITEM, "question": "一问"}, {**ITEM, "question": "二问"}],
    },
    "不是题\ud83d",
]


def command(*arguments):
    return CliRunner().invoke(app, ["exam", *map(str, arguments)])


def test_every_row_is_shown_in_order(tmp_path):
    data, out = tmp_path / "exam.jsonl", tmp_path / "deep" / "out.jsonl"
    data.write_text("".join(f"{json.dumps(row)}\n" for row in ROWS), "utf-8")
    done = command(data, "--out", out)
    assert (done.exit_code, done.stdout) == (0, "")
    shown = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert [list(row) for row in shown] == [FIELDS] * 6
    assert [(row["row"], row["outcome"]) for row in shown] == [
        (1, "ok"), (2, "repeat"), (3, "quarantined"), (4, "ok"), (4, "ok"), (5, "quarantined"),
    ]  # fmt: skip
    ids = [q.id for q in ingest_questions(str(data))[0]]
    assert [row["id"] for row in shown if row["outcome"] == "ok"] == ids
    assert shown[0] == {
        "id": shown[0]["id"], "source": "exam.jsonl", "row": 1, "stem": ITEM["question"], "case": None,
        "options": ["七个", "七十个"], "gold": "A", "kind": "single", "outcome": "ok", "reason": "",
    }  # fmt: skip
    assert (shown[1]["id"], shown[2]["id"], shown[2]["stem"]) == (shown[0]["id"], None, "没有选项")
    assert (shown[4]["case"], shown[4]["kind"]) == ("男，30岁。", "case")
    for said in ("6", "all", "looks like a choice", "repeat"):
        assert said in done.stderr


def test_a_mistake_is_one_line_and_leaves_no_file(tmp_path):
    done = command(tmp_path / "nowhere", "--out", tmp_path / "out.jsonl")
    assert done.exit_code == 2
    assert "no such file or folder" in done.stderr
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.slow
def test_it_starts_without_what_trains(tmp_path):
    (tmp_path / "exam.json").write_text(json.dumps([ITEM]))
    code = (
        "import sys; from launch.cli.app import app\n"
        f"try: app(['exam', {str(tmp_path / 'exam.json')!r}, '--out', {str(tmp_path / 'out.jsonl')!r}])\n"
        "except SystemExit: pass\n"
        "print(sorted({'ray', 'torch', 'vllm', 'transformers'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
