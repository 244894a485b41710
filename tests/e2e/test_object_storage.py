"""A run folder on ``s3://``, against moto in place of S3: a run that goes on there, and a whole one."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import REPOSITORY, TINY, environment
from finished_run import begin_at

pytestmark = pytest.mark.timeout(900)
BUCKET = "bucket"


@pytest.fixture
def s3(monkeypatch) -> Iterator[object]:
    """A filesystem of a bucket of our own; this process and its children find the server."""
    import s3fs
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3fs.S3FileSystem.clear_instance_cache()
    found = s3fs.S3FileSystem()
    found.mkdir(BUCKET)
    yield found
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


def psyche_rl(node: Path, *arguments: str) -> str:
    """The command's output; ``node`` is where it keeps its copies of models."""
    node.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "launch", *arguments]
    env = environment(TMPDIR=str(node), RAY_TMPDIR="/tmp/ray")
    done = subprocess.run(
        command, cwd=REPOSITORY, env=env, capture_output=True, text=True, timeout=840, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-5000:]
    return done.stdout + done.stderr


@pytest.mark.slow
def test_a_run_that_is_carried_to_a_bucket_is_gone_on_with_there(finished_run, s3, tmp_path):
    folder = begin_at("report", finished_run, tmp_path / "run")
    s3.put(f"{folder}/", f"{BUCKET}/run/", recursive=True)
    shutil.rmtree(folder)
    url = f"s3://{BUCKET}/run"
    said = psyche_rl(tmp_path / "node", "run", TINY, f"run_dir={url}")
    assert said.count("already done, skipped") == 6
    assert "report: done" in said
    assert s3.exists(f"{BUCKET}/run/report/report.html")
    assert not [file for file in s3.find(f"{BUCKET}/run") if file.endswith((".tmp", ".lock"))]

    from launch import api

    run = api.open_run(url)
    assert run.table("rollouts").num_rows == 48
    assert {stage.status for stage in run.stages.values()} == {"done"}
    told = psyche_rl(tmp_path / "node", "publish", url, "--model", "--push-to-hub", "me/tiny")
    assert "model.safetensors" in told
    copies = list((tmp_path / "node").glob("psyche-rl-models-*/*"))
    assert len([copy for copy in copies if copy.is_dir()]) == 1


@pytest.mark.nightly
def test_a_whole_run_on_a_bucket_ends_as_on_a_disk(finished_run, s3, tmp_path):
    psyche_rl(tmp_path / "node", "run", TINY, f"run_dir=s3://{BUCKET}/run")
    stages = json.loads(s3.cat_file(f"{BUCKET}/run/manifest.json"))["stages"]
    there = json.loads((finished_run / "manifest.json").read_text("utf-8"))["stages"]
    for name, stage in stages.items():
        assert (name, stage["status"]) == (name, "done")
        assert (name, stage["counts"]) == (name, there[name]["counts"])
    for name in ("sft", "grpo"):
        mine = s3.cat_file(f"{BUCKET}/run/{name}/model/model.safetensors")
        assert mine == (finished_run / name / "model/model.safetensors").read_bytes()
