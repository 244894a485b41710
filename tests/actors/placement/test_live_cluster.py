"""What a cluster may grow by, from the config that its autoscaler reports."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from actors.placement import live_cluster
from psyche_rl.placement.cluster_shape import Node

BIG = {"GPU": 8, "CPU": 96}
HERE = (Node(gpus=0, cpus=4, host_gib=16),)
THERE = Node(gpus=8, gpu_gib=79.6, cpus=96, host_gib=1000)


def groups(*given):
    found = [SimpleNamespace(resources=resources, max_count=count) for resources, count in given]
    return SimpleNamespace(node_group_configs=found)


@pytest.fixture
def reports(monkeypatch):
    def report(config):
        monkeypatch.setattr(
            live_cluster, "live_state", lambda: SimpleNamespace(get_cluster_config=lambda: config)
        )

    return report


@pytest.mark.parametrize(
    ("config", "nodes", "more"),
    [
        (None, HERE, ()),
        (groups(), HERE, ()),
        # At zero GPUs: all of the group may still come, of a memory that nobody knows yet.
        (groups((BIG, 2)), HERE, (Node(gpus=8, cpus=96),) * 2),
        # Who is there already is one of those that may be there, and tells what the others have.
        (groups((BIG, 3)), (*HERE, THERE), (THERE,) * 2),
        (groups((BIG, 1)), (*HERE, THERE, THERE), ()),
        (groups((BIG, 0)), HERE, ()),
        (groups(({"CPU": 4}, 2)), HERE, HERE),
        (groups((BIG, 1), ({"GPU": 1, "CPU": 8}, 1)), (), (Node(gpus=8, cpus=96), Node(gpus=1, cpus=8))),
    ],
)
def test_what_may_be_added_is_what_the_groups_leave(reports, config, nodes, more):
    reports(config)
    assert live_cluster._may_add(nodes) == more


def test_a_group_without_a_limit_is_taken_for_a_large_one(reports):
    reports(groups((BIG, -1)))
    assert len(live_cluster._may_add((THERE,))) == 63
