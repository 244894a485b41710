"""What an actor claims in its place, and what ranks, engines and workers make of it."""

from __future__ import annotations

import pytest

from actors.placement.place import ANYWHERE, Place
from psyche_rl.config.engine import EngineConfig


@pytest.fixture
def claimed(monkeypatch):
    """The options of every actor that is started."""
    options = []

    class Started:
        def options(self, **given):
            options.append(given)
            return self

        def remote(self, *_):
            return self

        def __getattr__(self, _):
            return self

    monkeypatch.setattr("ray.remote", lambda _: Started())
    return options


def test_without_a_plan_nothing_is_claimed():
    assert ANYWHERE.options() == {"num_cpus": 0, "num_gpus": 0.0, "runtime_env": {"env_vars": {}}}
    assert not ANYWHERE.on_gpu


def test_a_place_in_a_bundle_is_scheduled_there_and_tells_its_process():
    options = Place(0.5, "group", 3, {"WHERE": "here"}).options({"OMP_NUM_THREADS": "1"})
    strategy = options["scheduling_strategy"]
    assert (strategy.placement_group, strategy.placement_group_bundle_index) == ("group", 3)
    assert not strategy.placement_group_capture_child_tasks
    assert options["num_gpus"] == 0.5
    assert options["runtime_env"]["env_vars"] == {"OMP_NUM_THREADS": "1", "WHERE": "here"}


def test_an_engine_over_several_bundles_takes_what_it_starts_along():
    place = Place(0.0, "group", 0, spans=True)
    assert place.on_gpu
    assert place.options()["scheduling_strategy"].placement_group_capture_child_tasks


def test_ranks_and_references_sit_where_they_are_told(claimed):
    from actors.learner.group import LearnerGroup
    from actors.learner.reference import ReferencePool
    from psyche_rl.config.learner import LearnerConfig
    from psyche_rl.learner.schedule import OptimSettings

    places = [Place(1.0, "g", 1), Place(0.5, "g", 2)]
    ReferencePool("m", LearnerConfig(), 5, places=places)
    assert [options["num_gpus"] for options in claimed] == [1.0, 0.5]
    claimed.clear()
    LearnerGroup("m", LearnerConfig(), OptimSettings(1.0, "constant", 1), ranks=7, places=places)
    assert [options["num_gpus"] for options in claimed] == [1.0, 0.5]
    claimed.clear()
    LearnerGroup("m", LearnerConfig(), OptimSettings(1.0, "constant", 1), ranks=3)
    assert [options["num_gpus"] for options in claimed] == [0.0] * 3


@pytest.mark.parametrize("place", [ANYWHERE, Place(2.0, "g", 0), Place(0.5, "g", 1)])
def test_an_engine_sits_where_it_is_told(claimed, place):
    from actors.rollout.worker import start_worker

    start_worker("m", EngineConfig(tensor_parallel_size=2), 0, place)
    (options,) = claimed
    assert options["num_gpus"] == place.gpus
    env = options["runtime_env"]["env_vars"]
    assert ("TORCHDYNAMO_DISABLE" in env) == (not place.on_gpu)
    assert options["max_restarts"] == 0
