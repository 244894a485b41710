"""One step's data: order, masks, dropped groups, mini-batches, the error budget, figures by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
from loop_fakes import question, sample

from psyche_rl.config.grpo import GrpoConfig
from psyche_rl.loops.rollout_rows import record_rows
from psyche_rl.loops.step_batch import Rollout, StepBatch, step_batch
from psyche_rl.loops.step_metrics import LEARNER_NAMES, merge_metrics, rollout_metrics
from rewards import RewardSample, Score

FAILED = Score.failed("timeout", "no score within 10 s")


def config(groups: int, size: int, mini: int | None = None, min_scores: int = 2) -> GrpoConfig:
    return GrpoConfig(
        prompts_per_step=groups,
        group_size=size,
        mini_batch_prompts=mini or groups,
        reward={"min_scores": min_scores},
    )


def scores(values: list[list[float | None]]) -> list[Score]:
    return [FAILED if v is None else Score.of(v, {"mcq_strict": v}) for group in values for v in group]


def batch_of(values: list[list[float | None]], mini: int | None = None, min_scores: int = 2):
    """A batch whose n-th group has these rewards; response lengths differ from sample to sample."""
    rollouts = [
        Rollout(
            question(g, case="案情" if g == 1 else None),
            tuple(
                sample("字" * (1 + g + i), f"7/{g}", i, finish="length" if i else "stop", version=7)
                for i in range(len(group))
            ),
        )
        for g, group in enumerate(values)
    ]
    given = [
        RewardSample(id=s.id, response=f"回答 {s.id}", gold="A", kind="single")
        for r in rollouts
        for s in r.samples
    ]
    return step_batch(rollouts, given, scores(values), config(len(values), len(values[0]), mini, min_scores))


def test_rows_keep_the_order_of_prompts_and_samples():
    batch = batch_of([[0.0, 1.0], [1.0, 0.0], [0.5, 0.0]])
    assert [r.sample.id for r in batch.rows] == ["7/0/0", "7/0/1", "7/1/0", "7/1/1", "7/2/0", "7/2/1"]
    assert [r.place for r in batch.rows] == [0, 0, 1, 1, 2, 2]
    assert [r.question.id for r in batch.rows] == ["q0", "q0", "q1", "q1", "q2", "q2"]
    assert [r.response for r in batch.rows] == [f"回答 {r.sample.id}" for r in batch.rows]
    assert [np.sign(r.advantage) for r in batch.rows] == [-1, 1, 1, -1, 1, -1]
    for row in batch.rows:
        ids = (*row.sample.prompt_ids, *row.sample.response_ids)
        assert tuple(row.sequence.input_ids) == ids
        assert row.sequence.prompt_length == 2
        assert set(row.sequence.advantages) == {np.float32(row.advantage)}


def test_grpo_advantages_by_hand():
    batch = batch_of([[0.0, 1.0, 1.0, 1.0]])
    std = math.sqrt(sum((v - 0.75) ** 2 for v in (0, 1, 1, 1)) / 3)
    expected = [(v - 0.75) / (std + 1e-6) for v in (0, 1, 1, 1)]
    assert [r.advantage for r in batch.rows] == pytest.approx(expected)


def test_advantages_are_those_of_the_estimator_that_the_config_names():
    """RLOO by hand: each reward less the mean of the others."""
    rollouts = [Rollout(question(0), tuple(sample("字", "7/0", i, version=7) for i in range(3)))]
    given = [RewardSample(id=s.id, response="B", gold="A", kind="single") for s in rollouts[0].samples]
    rewards = [[1.0, 0.0, 0.5]]
    rloo = config(1, 3).model_copy(update={"advantage": "rloo"})
    found = [row.advantage for row in step_batch(rollouts, given, scores(rewards), rloo).rows]
    assert found == pytest.approx([0.75, -0.75, 0.0], abs=1e-6)


def test_a_failed_score_is_masked_and_moves_no_baseline():
    with_error = batch_of([[0.0, None, 1.0]])
    without = batch_of([[0.0, 1.0]])
    assert [r.advantage for r in with_error.rows] == [
        without.rows[0].advantage,
        None,
        without.rows[1].advantage,
    ]
    assert [bool(s.mask.all()) for s in with_error.sequences] == [True, False, True]
    assert not with_error.sequences[1].mask.any()
    assert not with_error.dropped


def test_a_group_with_fewer_than_two_rewards_is_dropped_and_left_out_of_training():
    batch = batch_of([[0.0, 1.0], [None, 1.0], [None, None], [1.0, 0.0]], mini=2)
    assert batch.dropped == {1, 2}
    assert [r.advantage for r in batch.rows[2:6]] == [None] * 4
    minis = list(batch.mini_batches(config(4, 2, 2)))
    assert [[id(s) for s in m.sequences] for m in minis] == [
        [id(s) for s in batch.sequences[:2]],
        [id(s) for s in batch.sequences[6:]],
    ]
    assert rollout_metrics(batch)["group/dropped"] == 2


def test_how_many_scores_a_group_needs_is_a_setting():
    values = [[0.0, 1.0, None], [0.0, 1.0, 1.0], [None, None, 1.0]]
    batch = batch_of(values, min_scores=3)
    assert batch.dropped == {0, 2}
    assert [r.advantage for r in batch.rows[:3]] == [None] * 3
    assert rollout_metrics(batch)["group/dropped"] == 2
    assert rollout_metrics(batch)["reward/errors"] == 3
    assert [r.advantage for r in batch.rows[3:6]] == [r.advantage for r in batch_of(values).rows[3:6]]


def test_a_group_of_equal_rewards_stays_with_advantages_of_zero():
    batch = batch_of([[1.0, 1.0], [0.0, 1.0]])
    assert [r.advantage for r in batch.rows[:2]] == [0.0, 0.0]
    assert not batch.dropped
    assert rollout_metrics(batch)["group/zero_variance_share"] == 0.5


def test_mini_batches_are_whole_groups_in_order_and_cover_the_step():
    batch = batch_of([[0.0, 1.0]] * 6)
    minis = list(batch.mini_batches(config(6, 2, 2)))
    assert [len(m.rows) for m in minis] == [4, 4, 4]
    assert [id(s) for m in minis for s in m.sequences] == [id(s) for s in batch.sequences]


def test_a_mini_batch_with_nothing_left_is_skipped():
    batch = batch_of([[None, None], [0.0, 1.0]])
    assert [len(m.rows) for m in batch.mini_batches(config(2, 2, 1))] == [2]


def test_logprobs_go_to_their_own_sequences():
    batch = batch_of([[0.0, 1.0], [1.0, 0.0]])
    old = [np.full(len(s.response_ids), -float(i)) for i, s in enumerate(batch.samples)]
    reference = [values - 10 for values in old]
    joined = batch.with_old(old).with_reference(reference)
    assert [s.old_logprobs[0] for s in joined.sequences] == [0, -1, -2, -3]
    assert [s.reference_logprobs[0] for s in joined.sequences] == [-10, -11, -12, -13]
    assert [s.reference_logprobs for s in batch.with_old(old).sequences] == [None] * 4
    assert [s.old_logprobs for s in joined.with_old(None).sequences] == [None] * 4
    assert [s.name for s in batch.sequences] == ["group 0 (question q0)"] * 2 + ["group 1 (question q1)"] * 2
    assert [r.advantage for r in joined.rows] == [r.advantage for r in batch.rows]


def test_metrics_by_hand():
    batch = batch_of([[0.0, 1.0], [None, 1.0]])
    metrics = rollout_metrics(batch)
    assert metrics == pytest.approx(
        {
            "reward/mean": 2 / 3,
            "reward/std": math.sqrt(2 / 9),
            "reward/mcq_strict": 2 / 3,
            "reward/errors": 1.0,
            "reward/error_share": 0.25,
            "group/zero_variance_share": 0.0,
            "group/dropped": 1.0,
            "response/length_mean": (2 + 3 + 3 + 4) / 4,  # characters and the end token
            "response/length_max": 4.0,
            "response/truncated_share": 0.5,
            "staleness/max": 0.0,
            "staleness/mean": 0.0,
        }
    )
    assert batch.tokens == 12


def test_learner_metrics_are_means_and_maxima_under_the_fields_names():
    merged = merge_metrics(
        [{"loss": 1.0, "ratio_max": 3.0, "lr": 0.1}, {"loss": 2.0, "ratio_max": 1.5, "lr": 0.1}]
    )
    assert merged == pytest.approx({"loss/total": 1.5, "policy/ratio_max": 3.0, "policy/lr": 0.1})
    assert merge_metrics([]) == {}


def test_rollout_rows_say_what_became_of_each_sample():
    batch = batch_of([[0.0, 1.0], [None, 1.0]])
    rows = record_rows(8, batch)
    assert [r.sample_id for r in rows] == [s.id for s in batch.samples]
    assert [r.group_id for r in rows] == ["8/0", "8/0", "8/1", "8/1"]
    assert [r.reward for r in rows] == [0.0, 1.0, None, 1.0]
    assert [r.reward_error for r in rows] == [None, None, "timeout", None]
    assert [r.advantage is None for r in rows] == [False, False, True, True]
    assert [r.finish_reason for r in rows] == ["stop", "length", "stop", "length"]
    assert [r.response_length for r in rows] == [2, 3, 3, 4]
    assert {r.step for r in rows} == {8}
    crossed = batch.rows[0].sample.model_copy(update={"weight_versions": (6, 7, 5)})
    assert record_rows(8, StepBatch((replace(batch.rows[0], sample=crossed),)))[0].weight_version == 7
    assert {r.weight_version for r in rows} == {7}
    assert rows[0].prompt == "题干0\nA.0甲\nB.0乙\nC.0丙\nD.0丁"
    assert rows[2].prompt.startswith("案情\n题干1\nA.")
    assert rows[1].reward_parts == {"mcq_strict": 1.0}


def test_the_learners_metrics_have_the_fields_names():
    assert merge_metrics([dict.fromkeys(LEARNER_NAMES, 1.0)]) == dict.fromkeys(
        (
            "loss/total", "loss/policy", "kl/mean", "policy/entropy", "policy/clip_fraction",
            "policy/approx_kl", "policy/ratio_mean", "policy/ratio_max", "policy/outside_share",
            "policy/grad_norm", "policy/lr", "packing/fill", "packing/prompts_saved", "rollout_is/mean",
            "rollout_is/truncated_share",
        ),
        1.0,
    )  # fmt: skip


def test_a_step_without_a_group_to_compare_or_without_a_score():
    alone = rollout_metrics(batch_of([[None, 1.0], [0.5, None]]))
    assert alone["group/zero_variance_share"] == 0.0
    assert (alone["reward/mean"], alone["reward/std"], alone["group/dropped"]) == (0.75, 0.25, 2.0)
    none = rollout_metrics(batch_of([[None, None]]))
    assert math.isnan(none["reward/mean"])
    assert math.isnan(none["reward/std"])
    assert (none["reward/errors"], none["reward/error_share"]) == (2.0, 1.0)
    assert none["response/truncated_share"] == 0.5


def test_the_books_get_the_lengths_of_scored_samples_and_of_dropped_groups():
    batch = batch_of([[1.0, None, 0.0], [1.0, None, None], [None, None, None]])
    lengths = {s.id: len(s.response_ids) for s in batch.samples}
    (mini,) = batch.mini_batches(config(3, 3))
    first = [batch.rows[i].sample.id for i in (0, 2)]
    assert mini.scored_lengths == [(name, lengths[name]) for name in first]
    group, alone = batch.rows[3].sample.request_id, batch.rows[3].sample.id
    assert batch.dropped_groups() == {
        group: [(alone, lengths[alone])],
        batch.rows[6].sample.request_id: [],
    }
