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
    samples = (sample("甲", index=0, version=3), sample("甲乙", index=1, version=3))
    given = [RewardSample(id=s.id, response="", gold="A", kind="single") for s in samples]
    config = GrpoConfig(prompts_per_step=1, mini_batch_prompts=1, group_size=2)
    return step_batch([Rollout(question(0), samples)], given, [Score.of(0.0), Score.of(1.0)], config)


def test_differences_within_the_tolerance_are_reported():
    learner = [np.array([-0.5, -0.5]), np.array([-0.5, -0.51, -0.5])]
    found = SyncCheck(0.02).compare(batch().samples, learner, 3)
    tail = float(np.percentile([0, 0, 0, 0, 0.01], 99.9))
    assert found == pytest.approx(
        {"sync/logprob_diff_mean": 0.002, "sync/logprob_diff_p999": tail, "sync/logprob_diff_max": 0.01}
    )


def test_a_difference_equal_to_the_tolerance_passes():
    assert SyncCheck(0.5).compare(batch().samples, [np.full(2, -1.0), np.full(3, 0.0)], 3)


@pytest.mark.parametrize(
    ("value", "bound"), [(-0.6, 0.01), (-0.4, 0.01), (float("nan"), 9), (float("-inf"), 9)]
)
def test_a_mean_beyond_the_tolerance_stops_the_run_by_name(value, bound):
    learner = [np.full(2, -0.5), np.array([-0.5, -0.5, value])]
    with pytest.raises(
        WeightSyncError, match=rf"disagree at weight version 3 by .* nats on average .*sync_tolerance={bound}"
    ):
        SyncCheck(bound).compare(batch().samples, learner, 3)


def test_only_tokens_of_the_version_are_compared():
    old, mixed = sample("甲", version=2), sample("甲乙", index=1, version=3)
    mixed = mixed.model_copy(update={"weight_versions": (2, 3, 3)})
    learner = [np.array([-9.0, -9.0]), np.array([-9.0, -0.5, -0.51])]
    found = SyncCheck(0.02).compare([old, mixed], learner, 3)
    assert found["sync/logprob_diff_max"] == pytest.approx(0.01)
    assert SyncCheck(0.02).compare([old], learner[:1], 3) == {}
    assert SyncCheck(0.02).compare([], [], 3) == {}


def many(gaps: list[float]):
    """One sample of as many tokens, and what the learner says of them."""
    one = sample("甲" * (len(gaps) - 1))
    return [one], [np.array(one.logprobs) + gaps]


def test_a_few_tokens_far_off_stop_the_run_and_a_single_one_does_not():
    single = SyncCheck(0.01).compare(*many([0.0] * 1999 + [9.0]), 0)
    assert single["sync/logprob_diff_max"] == pytest.approx(9.0)
    with pytest.raises(WeightSyncError, match=r"0\.3 at the 99\.9th percentile .* allows 0\.01 and 0\.2"):
        SyncCheck(0.01).compare(*many([0.0] * 1990 + [0.3] * 10), 0)


def test_the_tolerance_is_the_configs_or_fits_the_coarser_type():
    def tolerance(learner="float32", engine="float32", **given):
        tree = {"learner": {"dtype": learner}, "engine": {"dtype": engine}, **given}
        return SyncCheck.of(GrpoConfig.model_validate(tree)).tolerance

    assert tolerance() == tolerance(learner="float64") == 1e-4
    assert tolerance(learner="bfloat16") == tolerance(engine="bfloat16") == tolerance(engine="auto") == 0.05
    assert tolerance(learner="bfloat16", sync_tolerance=0.3) == 0.3


def test_an_empty_batch_has_nothing_to_compare():
    assert SyncCheck(0.1).compare([], [], 0) == {}


def outside(tokens: int, of: int):
    """One sample of ``of`` tokens, so many of which the learner could not have sampled."""
    samples, (learner,) = many([0.001] * of)
    learner[:tokens] = -np.inf
    return samples, [learner]


def test_tokens_outside_the_learners_set_are_counted_and_have_no_difference():
    found = SyncCheck(0.01, outside=0.01).compare(*outside(3, 1000), 0)
    assert found["sync/outside_share"] == pytest.approx(0.003)
    assert found["sync/logprob_diff_mean"] == pytest.approx(0.001)
    assert found["sync/logprob_diff_max"] == pytest.approx(0.001)
    assert SyncCheck(0.01, outside=0.01).compare(*outside(0, 10), 0)["sync/outside_share"] == 0
    assert "sync/outside_share" not in SyncCheck(0.01).compare(*outside(0, 10), 0)


def test_more_tokens_outside_than_rounding_explains_stop_the_run():
    check = SyncCheck(0.01, outside=0.01)
    assert check.compare(*outside(10, 1000), 0)
    with pytest.raises(WeightSyncError, match=r"version 0: 1\.10% of the sampled .*rounding explains 1%"):
        check.compare(*outside(11, 1000), 0)
    assert check.compare(*outside(1, 20), 0), "one token says nothing"
    with pytest.raises(WeightSyncError, match=r"10\.00% of the sampled tokens are outside"):
        check.compare(*outside(2, 20), 0)
    with pytest.raises(WeightSyncError, match=r"100\.00% of the sampled tokens are outside"):
        check.compare(*outside(1, 1), 0)


def test_tokens_of_older_versions_are_not_counted_as_outside():
    samples, learner = outside(6, 20)
    versions = (0,) * 6 + (1,) * 14
    samples = [samples[0].model_copy(update={"weight_versions": versions})]
    found = SyncCheck(0.01, outside=0.01).compare(samples, learner, 1)
    assert found["sync/outside_share"] == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -9.0])
def test_what_is_inside_is_compared_all_the_same(value):
    samples, (learner,) = outside(1, 200)
    learner[5] = value
    with pytest.raises(WeightSyncError, match="nats on average"):
        SyncCheck(0.01, outside=0.01).compare(samples, [learner], 0)


def test_tokens_may_be_outside_where_there_are_filters_and_more_in_bfloat16():
    def share(learner="float32", engine="float32", **given):
        tree = {"learner": {"dtype": learner}, "engine": {"dtype": engine}, **given}
        return SyncCheck.of(GrpoConfig.model_validate(tree)).outside

    assert share() == share(temperature=0.5) == share(learner="bfloat16") == 0
    assert share(top_p=0.9) == share(top_k=20) == share(top_k=20, sync_tolerance=0.3) == 0.01
    assert share(top_p=0.9, learner="bfloat16") == share(top_p=0.9, engine="auto") == 0.05
