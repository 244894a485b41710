"""A benchmark run on a real vLLM engine, killed in the middle: the same command asks only the rest."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_models import save_tiny_model

from psyche_rl.evaluation.result_files import read_results

ROOT = Path(__file__).parents[3]
ITEMS = 240


@pytest.mark.slow
def test_a_killed_run_repeats_no_finished_item(tmp_path):
    save_tiny_model(tmp_path / "tiny")
    command = [
        sys.executable, "-m", "launch", "bench", "run", str(tmp_path / "tiny"), "--benchmark", "mini_exam",
        "--out", str(tmp_path / "out"), f"limit={ITEMS}", "max_tokens=24", "engine.dtype=float32",
        "engine.max_model_len=512", "engine.kv_cache_mib=64", "engine.threads=1", "engine.max_num_seqs=4",
        "engine.enforce_eager=true", "draws=50",
    ]  # fmt: skip
    env = {**os.environ, "PYTHONPATH": str(ROOT), "RAY_ADDRESS": "local"}
    replies = tmp_path / "out/mini_exam/replies.jsonl"
    killed = subprocess.Popen(command, cwd=ROOT, env=env, start_new_session=True)
    while killed.poll() is None and (not replies.exists() or replies.read_bytes().count(b"\n") < 40):
        time.sleep(0.02)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    whole = replies.read_bytes()
    finished = whole[: whole.rfind(b"\n") + 1]
    assert 40 <= finished.count(b"\n") < ITEMS
    subprocess.run(command, cwd=ROOT, env=env, check=True)
    after = replies.read_bytes()
    assert after.startswith(finished)
    keys = [json.loads(line)["key"] for line in after.splitlines()]
    assert (len(keys), len(set(keys))) == (ITEMS, ITEMS)
    rows = read_results(str(tmp_path / "out/mini_exam"))
    assert len(rows) == ITEMS
    assert {row.ended for row in rows} <= {"stop", "length"}
    assert all(0 < row.response_tokens <= 24 for row in rows)
