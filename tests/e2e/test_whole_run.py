"""One small run through all stages on real Ray and real vLLM, and what a user gets from it."""

from __future__ import annotations

import hashlib
import json
import math
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from command import TINY, psyche_rl

from launch.cli.ledger import run_balance
from psyche_rl.config import load_config
from psyche_rl.config.base import SpeedOnly
from psyche_rl.config.keys import marks, value_at

# Two minutes on an idle machine with two cores; the limits are there to end a hang.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

STEPS, PROMPTS, GROUP = 3, 4, 4  # as in tiny.yaml
STAGES = ["world", "synth", "select", "sft", "grpo", "eval", "report"]
STEP_METRICS = {
    "reward/mean", "reward/mcq_strict", "reward/think_format", "group/zero_variance_share", "kl/mean",
    "loss/total", "loss/policy", "policy/clip_fraction", "policy/entropy", "policy/grad_norm",
    "policy/ratio_max", "policy/lr", "response/length_mean", "staleness/mean", "throughput/tokens_per_s",
    "sync/logprob_diff_max", "time/generate_s", "time/score_s", "time/reference_s", "time/train_s",
    "time/publish_s", "time/step_s", "weight_version",
}  # fmt: skip


@pytest.fixture(scope="module")
def whole_run(finished_run) -> Path:
    return finished_run


def test_every_group_is_accounted_for(whole_run):
    balance = run_balance(str(whole_run))
    assert balance.closes, balance.findings
    assert balance.line("issued").groups == balance.line("trained").groups == STEPS * PROMPTS
    rows = pq.read_table(whole_run / "grpo/rollouts").to_pylist()
    assert balance.line("issued").tokens == sum(row["response_length"] for row in rows)


def read_json(path: Path):
    return json.loads(path.read_text("utf-8"))


def rows_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_every_stage_had_something_to_do(whole_run):
    stages = read_json(whole_run / "manifest.json")["stages"]
    assert list(stages) == STAGES
    assert {entry["status"] for entry in stages.values()} == {"done"}
    counts = {name: entry["counts"] for name, entry in stages.items()}
    assert counts["synth"]["questions"] > 20
    assert counts["select"]["grpo"] > 0
    assert counts["select"]["sft"] > counts["select"]["dialogues"] > 0
    assert counts["sft"]["loss_last"] < counts["sft"]["loss_first"]
    assert counts["grpo"]["samples"] == STEPS * PROMPTS * GROUP


def test_report_json_holds_the_evaluation_of_each_model(whole_run):
    evaluation = read_json(whole_run / "report" / "report.json")["evaluation"]
    assert list(evaluation) == ["base", "sft", "grpo"]
    for figures in evaluation.values():
        low, high = figures["interval"]
        assert 0 <= low <= figures["strict_accuracy"] <= high <= 1
        assert 0 <= figures["format_rate"] <= 1
        assert figures["n"] == 20


def test_report_json_repeats_the_manifest(whole_run):
    manifest = read_json(whole_run / "manifest.json")["stages"]
    stages = read_json(whole_run / "report" / "report.json")["stages"]
    assert list(stages) == STAGES[:-1]
    for name, stage in stages.items():
        assert (stage["counts"], stage["seconds"]) == (manifest[name]["counts"], manifest[name]["seconds"])


def test_the_page_needs_no_network(whole_run):
    page = (whole_run / "report" / "report.html").read_text("utf-8")
    assert "</html>" in page
    assert "default-src &#39;none&#39;" in page  # what its scripts would ask for is refused
    page = re.sub(r"<script( type=\"application/json\"[^>]*)?>.*?</script>", "", page, flags=re.DOTALL)
    resources = re.findall(
        r"(?:src|href|srcset|action)\s*=\s*[\"']?([^\"'\s>]+)|url\(([^)]+)\)|(@import)", page
    )
    assert not [r for r in map("".join, resources) if not r.startswith(("data:", "#"))]
    assert "<script" not in page


def test_metrics_have_the_fields_names(whole_run):
    rows = [row for row in rows_of(whole_run / "grpo" / "metrics.jsonl") if "reward/mean" in row]
    assert [row["step"] for row in rows] == [1, 2, 3]
    for row in rows:
        assert row.keys() >= STEP_METRICS
        assert all(math.isfinite(value) for value in row.values())
        assert row["sync/logprob_diff_max"] <= 1e-4
        assert row["weight_version"] == row["step"] - 1
    evaluated = [
        row["step"] for row in rows_of(whole_run / "grpo" / "metrics.jsonl") if "eval/strict_accuracy" in row
    ]
    assert evaluated == [0, 2, 3]
    assert list((whole_run / "grpo" / "tensorboard").glob("events.*"))
    curves = rows_of(whole_run / "report" / "metrics.jsonl")
    assert {row["stage"] for row in curves} == {"sft", "grpo"}


def test_rewards_differ_and_the_policy_moves(whole_run):
    rows = [row for row in rows_of(whole_run / "grpo" / "metrics.jsonl") if "reward/mean" in row]
    assert any(row["group/zero_variance_share"] < 1 for row in rows)
    assert any(row["policy/grad_norm"] > 0 for row in rows)
    assert rows[-1]["kl/mean"] > 0


def test_every_rollout_is_kept(whole_run):
    files = sorted((whole_run / "grpo" / "rollouts").glob("*.parquet"))
    rows = [row for file in files for row in pq.read_table(file).to_pylist()]
    assert len(rows) == STEPS * PROMPTS * GROUP
    assert len({row["group_id"] for row in rows}) == STEPS * PROMPTS
    for row in rows:
        assert row["weight_version"] == row["step"] - 1
        assert row["reward_error"] is None


def test_a_malformed_row_is_set_aside_and_counted(whole_run):
    quarantined = pq.read_table(whole_run / "synth" / "quarantine.parquet").to_pylist()
    assert [(row["source"], row["row"]) for row in quarantined] == [("passages.jsonl", 3)]
    assert "不是 JSON" in quarantined[0]["content"]
    counts = read_json(whole_run / "manifest.json")["stages"]["synth"]["counts"]
    assert (counts["passages"], counts["quarantined"]) == (6, 1)


def test_a_second_run_skips_every_stage_and_changes_nothing(whole_run):
    before = contents(whole_run)
    again = psyche_rl("run", TINY, f"run_dir={whole_run}")
    assert again.returncode == 0, again.stderr
    for stage in STAGES:
        assert f"{stage}: already done, skipped" in again.stderr
    assert contents(whole_run) == before


def contents(folder: Path) -> dict[str, str]:
    """Every file but the log of events, by its content."""
    files = [f for f in sorted(folder.rglob("*")) if f.is_file() and f.name != "events.jsonl"]
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


OTHER_SPEED = {
    "teacher.prices": "{scripted-teacher: {prompt: 1.0}}",
    "teacher.budget.cost": 1e6,
    "teacher.stage_s": 9e4,
    "teacher.budget.tokens": 10**12,
    "publish.licences": "{a: MIT}",
    "grpo.reward.max_workers": 3,
    "grpo.placement": "colocated",
    "grpo.checksum_every": 2,
    "grpo.weight_backend": "auto",
    "grpo.sleep_level": 2,
    "cluster.may_add": "1x0x1",
    "cluster.pass_env": "[NCCL_*, no_proxy*]",
    "track": "[tensorboard, {name: mlflow, offline: true}]",
}
"""Values of keys whose default is unset or no number."""
OF_TIME = ("time/", "throughput/")


def test_settings_that_are_about_speed_only_change_no_record(whole_run, tmp_path):
    fast = load_config(TINY)
    keys = [key for key, mark in marks().items() if isinstance(mark, SpeedOnly) and key != "run_dir"]
    changes = {k: OTHER_SPEED[k] if k in OTHER_SPEED else other(value_at(fast, k)) for k in keys}
    done = psyche_rl("run", TINY, f"run_dir={tmp_path}/run", *(f"{k}={v}" for k, v in changes.items()))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    assert results(tmp_path / "run") == results(whole_run)


def other(value):
    return f"{value or 'OTHER'}_2" if value is None or isinstance(value, str) else value + 1


def results(folder: Path) -> dict[str, object]:
    """Every record, curve and weight of a run; without what tells of time."""
    found: dict[str, object] = {}
    for stage in STAGES[:-1]:
        for path in sorted((folder / stage).rglob("*")):
            name = str(path.relative_to(folder))
            if path.suffix == ".parquet" and "/verdicts/" not in name:
                found[name] = pq.read_table(path).to_pylist()
            elif path.suffix == ".safetensors":
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
            elif path.name == "metrics.jsonl":
                rows = rows_of(path)
                found[name] = [{k: v for k, v in row.items() if not k.startswith(OF_TIME)} for row in rows]
    return found
