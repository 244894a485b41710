"""Places on a real Ray with pretended GPUs: of every kind of plan, waited for, named, given back.

Each number of GPUs is a Ray of its own, in a process of its own, since a process may join one only.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
START = """
import json, sys, time, ray
gpus = json.loads(sys.argv[1])
from ray.cluster_utils import Cluster
if len(gpus) == 1:
    ray.init(address="local", num_cpus=2, num_gpus=gpus[0], include_dashboard=False, log_to_driver=False)
else:
    cluster = Cluster()
    for count in gpus:
        cluster.add_node(num_cpus=2, num_gpus=count)
    ray.init(address=cluster.address, log_to_driver=False)
from actors.placement.live_cluster import live_shape
from actors.placement.reserve import reserved
from psyche_rl.config import load_config, parse_config
from psyche_rl.errors import PlacementError, RemoteWaitError
from psyche_rl.placement.planner import plan_stage

@ray.remote
class Sitting:
    def where(self):
        return ray.get_runtime_context().get_node_id(), tuple(ray.get_gpu_ids())

def config(**keys):
    return parse_config({"run_dir": "r", "mini": {}, "cluster": {"wait_s": 3}, **keys}, "c")

def planned(stage, **keys):
    return plan_stage(stage, config(**keys), live_shape())

def sit(places, role):
    actors = [Sitting.options(**place.options()).remote() for place in places.of(role)]
    found = ray.get([actor.where.remote() for actor in actors], timeout=60)
    return actors, found

def free():
    return round(ray.available_resources().get("GPU", 0))

def settles(gpus):
    end = time.time() + 30
    while free() != gpus and time.time() < end:
        time.sleep(0.1)
    return free() == gpus
"""


def on_cluster(gpus: list[int], body: str) -> str:
    """What ``body`` prints on a Ray with nodes of so many GPUs."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
    env.pop("RAY_ADDRESS", None)
    done = subprocess.run(
        [sys.executable, "-c", START + body, str(gpus)],
        cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    # Ray warns of many processes on the driver's own output.
    return "".join(line for line in done.stdout.splitlines(True) if "(raylet)" not in line)


SPLIT = """
plan = planned("grpo", grpo={"ranks": %d, "rollout_workers": %d})
with reserved(plan) as places:
    _, ranks = sit(places, "learner")
    _, workers = sit(places, "rollout worker")
    taken = [(node, gpu) for node, gpus in ranks + workers for gpu in gpus]
    print(len(taken), len(set(taken)), len({node for node, _ in ranks}), free())
print(settles(%d))
"""
COLOCATED = """
plan = planned("grpo", grpo={"ranks": "auto", "rollout_workers": "auto", "placement": "auto"})
with reserved(plan) as places:
    _, ranks = sit(places, "learner")
    _, workers = sit(places, "rollout worker")
    print(len(ranks), len(workers), sorted(ranks) == sorted(workers), len(set(ranks)))
"""
MINI = """
settings = load_config("launch/configs/mini.yaml", ["cluster.wait_s=20"])
for stage in ("world", "grpo"):
    plan = plan_stage(stage, settings, live_shape())
    with reserved(plan) as places:
        roles = dict.fromkeys(seat.role for seat in plan.seats)
        seats = {role: sit(places, role) for role in roles}
        print(stage, *(f"{role}={len(found)}" for role, (_, found) in seats.items()),
              {gpu for _, found in seats.values() for _, gpus in found for gpu in gpus})
"""
JOINERS = """
plan = planned("grpo", grpo={"ranks": 1, "rollout_workers": {"min": 1, "max": 2}, "staleness": 1})
with reserved(plan) as places:
    print(len(places.of("rollout worker")), free())
    places.leave("rollout worker", 1)
    print(settles(1), places.room(1), places.room(2))
    place = places.joiner("rollout worker", 7, 1)
    where = ray.get(Sitting.options(**place.options()).remote().where.remote(), timeout=60)
    print(len(where[1]), settles(0))
    try:
        places.joiner("rollout worker", 8, 1)
    except RemoteWaitError as error:
        print(error)
    places.leave("rollout worker", 7)
    print(settles(1))
"""
PENDING = """
settles(3)
plan = planned("grpo", grpo={"ranks": 1, "rollout_workers": 2})
# Another run takes what the plan counted on.
other = [Sitting.options(num_gpus=1, num_cpus=0).remote() for _ in range(2)]
ray.get([actor.where.remote() for actor in other], timeout=60)
try:
    with reserved(plan):
        print("reserved")
except RemoteWaitError as error:
    print(error)
print(settles(1))
"""
NO_GPU = """
plan = planned("grpo", grpo={"ranks": "auto", "rollout_workers": "auto"})
print(plan.on_gpu)
with reserved(plan) as places:
    print(len(sit(places, "learner")[1]), len(sit(places, "rollout worker")[1]))
    print(places.joiner("rollout worker", 9, 1).on_gpu)
"""


@pytest.mark.slow
def test_the_demo_places_itself_whole_on_one_gpu():
    told = on_cluster([1], MINI).splitlines()
    assert told == [
        "world learner=2 {0}",
        "grpo learner=1 rollout worker=1 {0}",
    ]


@pytest.mark.slow
def test_workers_join_and_leave_and_what_has_no_place_is_named():
    told = on_cluster([3], JOINERS + PENDING).splitlines()
    assert told[:3] == ["2 0", "True 1 0", "1 True"]
    assert told[3].startswith(
        "grpo in phase 'place': 'grpo rollout worker 8' has no place: it needs 1 GPU; free are 0 GPUs"
    )
    assert told[4] == "True"
    # The rank came first and has the one that was left.
    assert told[5].startswith(
        "grpo in phase 'place': 2 of 2 'grpo rollout worker' have no place: each needs 1 GPU; free are 0"
    )
    assert told[6] == "True"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("gpus", "ranks", "workers"),
    [([2], 1, 1), ([8], 4, 4), ([16], 8, 8), ([17], 8, 9), ([8, 8], 8, 8)],
)
def test_every_rank_and_engine_of_a_split_plan_has_a_gpu_for_itself(gpus, ranks, workers):
    told = on_cluster(gpus, SPLIT % (ranks, workers, sum(gpus))).split()
    total = ranks + workers
    assert told == [str(total), str(total), "1", str(sum(gpus) - total), "True"]


@pytest.mark.slow
@pytest.mark.parametrize("gpus", [[8], [2, 2]])
def test_ranks_and_engines_share_every_gpu_there_is(gpus):
    count = str(sum(gpus))
    assert on_cluster(gpus, COLOCATED).split() == [count, count, "True", count]


SEEN = """
import tempfile
from actors.placement.live_cluster import live_nodes, on_each_node
from actors.placement.run_folder import MARKER, seen_by_all_nodes
from psyche_rl.store import RunStore
store = RunStore(tempfile.mkdtemp())
seen_by_all_nodes(store)
print(len(live_nodes()), [node.gpus for node in live_shape().nodes], store.exists(MARKER))
print(len(set(on_each_node(lambda: ray.get_runtime_context().get_node_id()).values())))
"""


@pytest.mark.slow
def test_each_of_two_nodes_is_asked_for_the_run_folder():
    assert on_cluster([3, 3], SEEN).splitlines() == ["2 [3, 3] False", "2"]


@pytest.mark.slow
def test_without_gpus_all_share_the_cores():
    assert on_cluster([0], NO_GPU).split() == ["False", "2", "2", "False"]
