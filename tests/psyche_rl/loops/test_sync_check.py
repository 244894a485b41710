"""Engine and learner compared: what passes, what stops the run, what is reported."""

import numpy as np
import pytest
from loop_fakes import question, sample

from psyche_rl.config.grpo import GrpoConfig
from psyche_rl.errors import WeightSyncError
from psyche_rl.loops.step_batch import Rollout, StepBatch, step_batch
from psyche_rl.loops.sync_check import SyncCheck
from rewards import RewardSample, Score


def batch() -> StepBatch:
    """Two samples of 2 and 3 tokens, each token at -0.5 nats."""
    samples = (sample("甲", index=0), sample("甲乙", index=1))
    given = [RewardSample(id=s.id, response="", gold="A", kind="single") for s in samples]
    config = GrpoConfig(prompts_per_step=1, mini_batch_prompts=1, group_size=2)
    return step_batch([Rollout(question(0), samples)], given, [Score.of(0.0), Score.of(1.0)], config)


def test_differences_within_the_tolerance_are_reported():
    learner = [np.array([-0.5, -0.5]), np.array([-0.5, -0.51, -0.5])]
    found = SyncCheck(0.02).compare(batch(), learner, 3)
    assert found == pytest.approx({"sync/logprob_diff_max": 0.01, "sync/logprob_diff_mean": 0.002})


def test_a_difference_equal_to_the_tolerance_passes():
    assert SyncCheck(0.5).compare(batch(), [np.full(2, -1.0), np.full(3, -0.5)], 3)


@pytest.mark.parametrize("value", [-0.6, -0.4, float("nan"), float("-inf")])
def test_one_token_beyond_the_tolerance_stops_the_run_by_name(value):
    learner = [np.full(2, -0.5), np.array([-0.5, -0.5, value])]
    with pytest.raises(
        WeightSyncError, match=r"disagree by .* nats at weight version 3 .*sync_tolerance=0\.05"
    ):
        SyncCheck(0.05).compare(batch(), learner, 3)


def test_an_empty_batch_has_nothing_to_compare():
    assert SyncCheck(0.1).compare(StepBatch(()), [], 0) == {}
