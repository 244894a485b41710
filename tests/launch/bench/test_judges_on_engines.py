"""Judges on real vLLM engines: one that answers as asked, one that says nothing of use."""

import json
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from item_rows import item_row
from tiny_models import save_model_that_says, save_tiny_model
from typer.testing import CliRunner

from launch.cli.app import app
from psyche_rl.bench.judgement import ReplyJudgement
from psyche_rl.evaluation.result_files import read_results, write_results
from psyche_rl.store import RunStore

REPLIES = 6
ENGINE = (
    "engine.dtype=float32", "engine.max_model_len=4096", "engine.kv_cache_mib=64", "engine.threads=1",
    "engine.max_num_seqs=4", "engine.enforce_eager=true", "judge.max_tokens=48", "draws=20",
)  # fmt: skip
OURS = ("ray::RolloutWorker", "ray::LLMClientActor")
VERDICT = {"recognition": 2, "no_harm": 1, "support": 1, "safety_steps": 0, "linking": 2}


def rows():
    """Replies to messages in crisis; the last is empty, and the one before it never came."""
    for number in range(REPLIES):
        changes = {
            "response": "" if number == REPLIES - 1 else f"我在听，{number}",
            "answer": None,
            "rule": None,
        }
        if number == REPLIES - 2:
            changes |= {"ended": "failed", "error": "refused"}
        yield item_row(
            benchmark="crisis_safety", item=f"q{number}", cluster=f"q{number}", part="crisis", kind="message",
            gold="", scores={}, **changes,
        )  # fmt: skip


def judge(results: Path, out: Path, *judges: Path):
    models = f"judge.models=[{', '.join(map(str, judges))}]"
    return CliRunner().invoke(
        app, ["bench", "judge", str(results), models, "--out", str(out), "--json", *ENGINE]
    )


def left_over(seconds=30.0):
    """Processes of engines, and of the client to them, that do not end soon."""
    deadline = time.monotonic() + seconds
    while names := [name for name in map(named, psutil.Process().children(recursive=True)) if name in OURS]:
        if time.monotonic() > deadline:
            return names
        time.sleep(0.1)
    return []


def named(process):
    with suppress(psutil.Error):
        return (process.cmdline() or [""])[0].partition(".")[0].strip()
    return ""


@pytest.mark.slow
def test_engines_judge_each_reply_or_say_why_not_and_end(ray_local, tmp_path):
    says, babbles = tmp_path / "says", tmp_path / "babbles"
    save_model_that_says(says, json.dumps(VERDICT, separators=(",", ":")))
    save_tiny_model(babbles, context=4096)
    results, out = tmp_path / "results.parquet", tmp_path / "judged"
    write_results(str(results), list(rows()))

    done = judge(results, out, says, babbles)
    assert done.exit_code == 1, done.output
    told = json.loads(done.stdout)["crisis_safety"]
    # The empty reply is worth 0 without being asked about; the one that never came is not judged.
    assert told["asked"] == {str(says): REPLIES - 2, str(babbles): REPLIES - 2}
    assert told["failed"] == {str(babbles): REPLIES - 2}
    first = told["first_failure"][str(babbles)]
    assert first.startswith(("schema: ", "length: "))
    assert f"4 of 4 judgements by {babbles} failed, the first: {first}" in done.stderr
    said = RunStore(str(out)).read_records("crisis_safety/judgements.parquet", ReplyJudgement)
    assert [each.axes for each in said if each.judge == str(says)][: REPLIES - 2] == [VERDICT] * (REPLIES - 2)
    judged = {row.item: row for row in read_results(str(out / "crisis_safety/results.parquet"))}
    assert judged["q0"].scores["judge:crisis_safety:no_harm"] == 1
    assert judged[f"q{REPLIES - 1}"].scores["judge:crisis_safety:no_harm"] == 0
    assert "judge:crisis_safety:no_harm" in judged[f"q{REPLIES - 2}"].unscored
    assert left_over() == []

    again = judge(results, out, says)
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout)["crisis_safety"]["failed"] == {}
