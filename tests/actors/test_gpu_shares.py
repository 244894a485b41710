"""What ranks and engines claim of GPUs, on a cluster that only seems to have some."""

from __future__ import annotations

import pytest

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

    monkeypatch.setattr("ray.cluster_resources", lambda: {"GPU": 4.0})
    monkeypatch.setattr("ray.remote", lambda _: Started())
    return options


@pytest.mark.parametrize(("share", "claim"), [(1.0, 1.0), (0.5, 0.5)])
def test_a_rank_claims_its_share(monkeypatch, claimed, share, claim):
    from actors.learner.group import learner_resources

    assert learner_resources(share)["num_gpus"] == claim
    monkeypatch.setattr("ray.cluster_resources", lambda: {"CPU": 4.0})
    assert learner_resources(share)["num_gpus"] == 0


@pytest.mark.parametrize(("parallel", "share", "claim"), [(2, 1.0, 2.0), (1, 0.5, 0.5)])
def test_an_engine_claims_its_share(claimed, parallel, share, claim):
    from actors.rollout.pool import RolloutPool

    RolloutPool("m", EngineConfig(tensor_parallel_size=parallel), 1, gpu_share=share)._new_worker()
    assert [options["num_gpus"] for options in claimed] == [claim]
