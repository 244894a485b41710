"""Texts are read by the nodes that have them, on a real cluster whose head is for drivers only."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from killable_run import REPOSITORY, environment
from own_cluster import OwnCluster

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

READ = """
import json, sys
from actors.cluster import connect
connect()
import ray
from data_pipeline.ingest.cleaned_stream import stream_cleaned
from data_pipeline.ingest.clean_blocks import PASSAGES
from psyche_rl.config.cleaning import CleanConfig
from psyche_rl.config.data import DataConfig
rows = sum(table.num_rows for table in stream_cleaned([sys.argv[1]], DataConfig(), CleanConfig(), PASSAGES))
print(json.dumps({"rows": rows, "nodes": len(ray.nodes())}))
"""


def test_a_head_that_takes_no_tasks_leaves_the_reading_to_another_node(tmp_path):
    texts = tmp_path / "texts"
    texts.mkdir()
    for name in ("a.txt", "b.txt"):
        (texts / name).write_text(f"依恋理论 {name}\n" * 4000, "utf-8")
    with OwnCluster(head_cpus=0) as cluster:
        done = subprocess.run(
            [sys.executable, "-c", READ, str(texts)],
            cwd=REPOSITORY,
            env=environment(RAY_ADDRESS=cluster.address, PYTHONPATH=str(REPOSITORY)),
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["nodes"] == 2
    assert told["rows"] > 2
