"""The second domain loads, its reward cannot be cheated, and it runs."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from data_pipeline.domains import load_domain
from data_pipeline.ingest import ingest_passages, ingest_posts, ingest_questions
from launch.sample_rows import samples_of
from psyche_rl.config import load_config
from rewards import load_reward_set
from rewards.selftest import selftest

PSYCHOLOGY = re.compile("心理|来访者|psycholog", re.IGNORECASE)
ROOT = Path(__file__).parents[2]
LAW = ROOT / "examples" / "law_mcq"


def test_it_loads(monkeypatch):
    monkeypatch.chdir(ROOT)
    config = load_config(str(LAW / "config.yaml"), [])
    questions, bad = ingest_questions(config.data.questions)
    assert (len(questions), bad) == (40, [])
    assert {question.kind for question in questions} == {"single", "multiple", "case"}
    assert all(question.explanation for question in questions)
    passages, bad = ingest_passages(config.data.passages)
    assert (len(passages), bad) == (12, [])
    posts, bad = ingest_posts(config.data.posts)
    assert (len(posts), bad) == (6, [])
    assert load_domain(config.domain).name == "law"
    assert load_reward_set(config.grpo.reward.config).name == "law_mcq"


def test_its_reward_cannot_be_cheated():
    questions = [sample for _, sample in samples_of(str(LAW / "questions.jsonl"), response="")]
    result = selftest(load_reward_set(LAW / "rewards.yaml"), questions)
    assert len({finding.question.id for finding in result.findings}) == 40
    assert result.passed
    assert result.weaknesses == ()


def nothing_of_psychology(run):
    """Neither in what the teacher was sent or said, nor in what is trained on."""
    log = sqlite3.connect(run / "llm_calls.sqlite")
    said = [
        f"{bytes(request).decode()} {reply}"
        for request, reply in log.execute("SELECT request, reply FROM calls")
    ]
    log.close()
    assert len(said) > 100
    for rel in ("select/sft.parquet", "select/grpo.parquet", "synth/dialogues.parquet"):
        said += map(str, pq.read_table(run / rel).to_pylist())
    assert not [text for text in said if PSYCHOLOGY.search(text)]
    assert json.loads((run / "synth" / "domain.json").read_text("utf-8"))["name"] == "law"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_it_runs(tmp_path):
    environment = {**os.environ, "RAY_ADDRESS": "local", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "launch"]
    run = [*command, "run", "examples/law_mcq/config.yaml", f"run_dir={tmp_path}/run"]
    done = subprocess.run(run, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    report = json.loads((tmp_path / "run" / "report" / "report.json").read_text("utf-8"))
    assert list(report["evaluation"]) == ["base", "sft", "grpo"]
    assert json.loads((tmp_path / "run" / "grpo" / "reward.json").read_text("utf-8"))["name"] == "law_mcq"

    nothing_of_psychology(tmp_path / "run")
    published = [*command, "publish", f"{tmp_path}/run", "--out", f"{tmp_path}/law"]
    published += ["--allow-unknown-licence"]
    subprocess.run(published, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    card = (tmp_path / "law" / "README.md").read_text("utf-8")
    assert {"law", "chinese-law", "synthetic"} <= set(yaml.safe_load(card.split("---\n")[1])["tags"])
    assert "Questions on Chinese law with reasoning" in card
    assert "not written by lawyers" in card
    assert not PSYCHOLOGY.search(card)

    rollouts = sorted((tmp_path / "run" / "grpo" / "rollouts").glob("*.parquet"))
    score = [*command, "rewards", "score", "examples/law_mcq/rewards.yaml", str(rollouts[-1]), "--json"]
    again = subprocess.run(score, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    told = json.loads(again.stdout)
    assert told["value"]["n"] == told["rows"] > 0
