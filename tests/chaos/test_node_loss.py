"""A node of the cluster is lost in the middle of synthesis: the run ends with the same records all the same.

The node that is lost holds most of the CPUs, so blocks are at work there. What they had asked was answered
through the client on the driver's node, so it is not asked again.
"""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest
from killable_run import KillableRun, scripted_teacher, teacher_log

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]

SETTINGS = (
    "tests/e2e/tiny.yaml", "mini=null", "synth.single_per_passage=6", "synth.multiple_per_passage=6",
    "synth.block_rows=2",
)  # fmt: skip
RECORDS = ("passages", "questions", "rationales", "dialogues")


@pytest.fixture
def cluster():
    """A small head, where the driver is, and a node beside it."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1}, connect=False)
    try:
        yield made
    finally:
        made.shutdown()


def test_a_lost_node_costs_time_but_no_record_and_no_answered_call(cluster, tmp_path):
    log = tmp_path / "calls.jsonl"
    with scripted_teacher(log, 150) as url:
        teacher = f"teacher.base_url={url}"
        lost = cluster.add_node(num_cpus=3)
        run = KillableRun(
            tmp_path / "run.log",
            *SETTINGS,
            f"run_dir={tmp_path / 'run'}",
            teacher,
            verb="synth",
            RAY_ADDRESS=cluster.address,
        )
        run.wait_until(lambda: len(teacher_log(log)) >= 120)
        cluster.remove_node(lost, allow_graceful=False)
        before = len(teacher_log(log))
        run.finish(600)
    asked = [line["digest"] for line in teacher_log(log) if line["event"] == "received"]
    assert len(asked) > before // 2 + 50  # it was in the middle
    assert len(asked) == len(set(asked))

    with scripted_teacher(tmp_path / "whole_calls.jsonl", 0) as url:
        whole = tmp_path / "whole"
        arguments = (*SETTINGS, f"run_dir={whole}", f"teacher.base_url={url}")
        KillableRun(tmp_path / "whole.log", *arguments, verb="synth").finish(600)
    for name in RECORDS:
        found, expected = (pq.read_table(p / f"synth/{name}.parquet") for p in (tmp_path / "run", whole))
        assert expected.num_rows
        assert found == expected, name
