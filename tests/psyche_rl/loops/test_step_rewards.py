"""What is added to a step's rewards, and who has a part in what: by hand and by the papers' formulas."""

import numpy as np
import pytest
from loop_fakes import question, sample

from psyche_rl.config.grpo import GrpoConfig
from psyche_rl.loops.rollout_rows import record_rows
from psyche_rl.loops.step_batch import Rollout, StepBatch, step_batch
from psyche_rl.loops.step_metrics import rollout_metrics
from psyche_rl.records import GenerationRequest
from rewards import RewardSample, Score

FAILED = Score.failed("timeout", "no score within 10 s")
REQUEST = GenerationRequest(
    id="7/0", prompt_ids=(1, 2), n=2, temperature=0.8, top_p=0.9, top_k=20, max_tokens=9, seed=5,
    think_opened=True,
)  # fmt: skip


def batch_of(values, lengths, config, finish="stop") -> StepBatch:
    """Groups of samples with these rewards and as many tokens as told, the end token among them."""
    rollouts = [
        Rollout(
            question(g),
            tuple(sample("字" * (n - 1), f"7/{g}", i, finish=finish) for i, n in enumerate(group)),
            REQUEST,
        )
        for g, group in enumerate(lengths)
    ]
    given = [
        RewardSample(id=s.id, response="答", gold="A", kind="single") for r in rollouts for s in r.samples
    ]
    flat = [v for group in values for v in group]
    scores = [FAILED if v is None else Score.of(v, {"mcq_strict": v}) for v in flat]
    return step_batch(rollouts, given, scores, config)


def grpo(**keys) -> GrpoConfig:
    return GrpoConfig.model_validate(
        {"prompts_per_step": 2, "mini_batch_prompts": 2, "group_size": 2, **keys}
    )


def test_long_replies_lose_by_the_slope_up_to_the_factor():
    config = grpo(max_tokens=10, overlong_buffer={"len": 4, "penalty_factor": 2.0}, group_size=3)
    batch = batch_of([[1.0, 1.0, 1.0], [1.0, None, 0.0]], [[6, 7, 10], [2, 9, 8]], config)
    assert [r.score.value for r in batch.rows] == [1.0, 0.5, -1.0, 1.0, None, -1.0]
    assert [r.score.parts.get("overlong_buffer") for r in batch.rows] == [0.0, -0.5, -2.0, 0.0, None, -1.0]
    assert [r.score.parts.get("mcq_strict") for r in batch.rows] == [1.0, 1.0, 1.0, 1.0, None, 0.0]
    assert [r.advantage is not None for r in batch.rows] == [True, True, True, True, False, True]
    assert batch.rows[0].advantage > batch.rows[1].advantage > batch.rows[2].advantage
    metrics = rollout_metrics(batch)
    assert metrics["reward/overlong_buffer"] == pytest.approx(-3.5 / 5)
    assert metrics["reward/mean"] == pytest.approx(0.1)
    assert [r.reward for r in record_rows(8, batch)] == [1.0, 0.5, -1.0, 1.0, None, -1.0]


def test_without_a_buffer_a_score_stays_as_it_is():
    batch = batch_of([[1.0, 0.0]], [[1024, 2]], grpo())
    assert [r.score.parts for r in batch.rows] == [{"mcq_strict": 1.0}, {"mcq_strict": 0.0}]


def test_a_reply_cut_off_is_masked_from_the_loss_and_counts_in_the_baseline():
    def batch(finish, masked):
        return batch_of(
            [[1.0, 0.0], [0.0, 1.0]], [[3, 4], [2, 3]], grpo(mask_truncated_completions=masked), finish
        )

    plain, masked = batch("length", False), batch("length", True)
    assert [r.advantage for r in masked.rows] == [r.advantage for r in plain.rows]
    assert [s.mask.any() for s in plain.sequences] == [True] * 4
    assert [s.mask.any() for s in masked.sequences] == [False] * 4
    assert [len(s.mask) for s in masked.sequences] == [3, 4, 2, 3]
    assert [s.mask.all() for s in batch("stop", True).sequences] == [True] * 4
    assert not masked.dropped


def logprobs(batch, seed=0):
    draw = np.random.default_rng(seed)
    return [-1.0 + 0.5 * draw.normal(size=len(s.response_ids)) for s in batch.samples]


@pytest.mark.parametrize("estimator", ["k1", "k2", "abs", "low_var_kl"])
def test_kl_in_the_reward_is_taken_off_each_token(estimator):
    config = grpo(advantage="rloo", use_kl_in_reward=True, kl_coef=0.1, kl_estimator=estimator, max_tokens=9)
    batch = batch_of([[1.0, 0.0], [0.5, 2.0]], [[3, 4], [2, 3]], config)
    reference = logprobs(batch)
    with_kl = batch.with_kl_in_reward(reference, config)
    gaps = [np.asarray(s.logprobs) - r for s, r in zip(batch.samples, reference, strict=True)]
    kl = {
        "k1": lambda gap: gap,
        "k2": lambda gap: gap**2 / 2,
        "abs": np.abs,
        "low_var_kl": lambda gap: np.exp(-gap) + gap - 1,
    }[estimator]
    taken = [0.1 * kl(gap).sum() for gap in gaps]
    total = np.array([1.0, 0.0, 0.5, 2.0]) - taken
    expected = [total[0] - total[1], total[1] - total[0], total[2] - total[3], total[3] - total[2]]
    assert [r.advantage for r in with_kl.rows] == pytest.approx(expected, rel=1e-9)
    for row, value in zip(with_kl.rows, expected, strict=True):
        np.testing.assert_allclose(row.sequence.advantages, value, rtol=1e-6)
        assert row.sequence.advantages.dtype == np.float32
    assert [r.kl_penalty for r in with_kl.rows] == pytest.approx(taken, rel=1e-9)
    assert [r.kl_penalty for r in record_rows(8, with_kl)] == pytest.approx(taken, rel=1e-9)
    metrics = rollout_metrics(with_kl)
    assert metrics["reward/kl_penalty"] == pytest.approx(np.mean(taken))
    assert metrics["reward/mean"] == rollout_metrics(batch)["reward/mean"]
    assert "reward/kl_penalty" not in rollout_metrics(batch)


def test_reinforce_plus_plus_has_another_advantage_for_each_token():
    config = grpo(algorithm="reinforce_plus_plus", kl_coef=0.5, max_tokens=9)
    batch = batch_of([[1.0, 0.0], [0.5, 2.0]], [[3, 4], [2, 3]], config)
    reference = logprobs(batch)
    with_kl = batch.with_kl_in_reward(reference, config)
    returns = []
    for row, theirs in zip(batch.rows, reference, strict=True):
        rewards = -0.5 * (np.asarray(row.sample.logprobs) - theirs)
        rewards[-1] += row.score.value
        returns.append(rewards[::-1].cumsum()[::-1])
    every = np.concatenate(returns)
    for row, values in zip(with_kl.rows, returns, strict=True):
        expected = (values - every.mean()) / np.sqrt(every.var(ddof=1) + 1e-8)
        np.testing.assert_allclose(row.sequence.advantages, expected, rtol=1e-6)
        assert row.advantage == pytest.approx(expected.mean(), rel=1e-6)
        assert len(set(row.sequence.advantages)) == len(values)


def test_advantages_after_the_kl_are_normalised_only_where_the_config_says_so():
    config = grpo(use_kl_in_reward=True, normalize_advantage_by_std=False, kl_estimator="k1", kl_coef=1.0)
    batch = batch_of([[1.0, 0.0]], [[1, 1]], config)
    with_kl = batch.with_kl_in_reward([np.zeros(1), np.zeros(1)], config, [np.array([0.5]), np.zeros(1)])
    assert [r.advantage for r in with_kl.rows] == [0.25, -0.25]


def test_who_had_no_part_before_the_kl_has_none_after_it():
    config = grpo(
        algorithm="reinforce_plus_plus", mask_truncated_completions=True, group_size=3, prompts_per_step=3,
        mini_batch_prompts=3,
    )  # fmt: skip
    values = [[1.0, None, 0.0], [None, 5.0, None], [0.0, 1.0, 0.5]]
    batch = batch_of(values, [[3, 8, 4], [2, 3, 4], [2, 2, 3]], config)
    reference = logprobs(batch)
    with_kl = batch.with_kl_in_reward(reference, config)
    out = [1, 3, 4, 5]
    assert [i for i, r in enumerate(with_kl.rows) if r.advantage is None] == out
    assert [i for i, r in enumerate(with_kl.rows) if r.kl_penalty is None] == out
    assert [i for i, s in enumerate(with_kl.sequences) if not s.mask.any()] == out
    assert with_kl.dropped == batch.dropped == {1}
    # The others are as if those had never been sampled.
    alone = batch_of([[1.0, 0.0], [0.0, 1.0, 0.5]], [[3, 4], [2, 2, 3]], config)
    kept = [reference[i] for i in range(9) if i not in out]
    fresh = alone.with_kl_in_reward(kept, config)
    assert [r.advantage for r in with_kl.rows if r.advantage is not None] == [r.advantage for r in fresh.rows]
    masked = batch_of(values, [[3, 8, 4], [2, 3, 4], [2, 2, 3]], config, finish="length")
    assert not any(s.mask.any() for s in masked.with_kl_in_reward(reference, config).sequences)


def test_a_group_with_too_few_scores_stays_dropped_with_the_kl():
    config = grpo(algorithm="reinforce_plus_plus", group_size=3, reward={"min_scores": 3})
    batch = batch_of([[1.0, 5.0, None], [0.0, 1.0, 0.5]], [[3, 8, 4], [2, 3, 4]], config)
    reference = logprobs(batch)
    with_kl = batch.with_kl_in_reward(reference, config)
    assert [r.advantage is None for r in with_kl.rows] == [True] * 3 + [False] * 3
    assert with_kl.dropped == {0}
    alone = batch_of([[0.0, 1.0, 0.5]], [[2, 3, 4]], config).with_kl_in_reward(reference[3:], config)
    assert [r.advantage for r in with_kl.rows[3:]] == [r.advantage for r in alone.rows]


def test_the_policys_own_logprobs_may_be_given():
    config = grpo(algorithm="rloo", kl_coef=1.0, max_tokens=9)
    batch = batch_of([[1.0, 0.0]], [[2, 2]], config)
    reference, policy = [np.zeros(2), np.zeros(2)], [np.zeros(2), np.array([0.25, 0.5])]
    assert [r.kl_penalty for r in batch.with_kl_in_reward(reference, config, policy).rows] == [0, 0.75]


def test_logprobs_given_later_keep_the_advantages():
    config = grpo(algorithm="rloo", kl_coef=1.0, max_tokens=9)
    batch = batch_of([[1.0, 0.0]], [[2, 2]], config)
    reference = logprobs(batch)
    with_kl = batch.with_kl_in_reward(reference, config)
    joined = with_kl.with_old(reference)
    assert [r.advantage for r in joined.rows] == [r.advantage for r in with_kl.rows] != [1.0, -1.0]
    assert [r.kl_penalty for r in joined.rows] == [r.kl_penalty for r in with_kl.rows]


def test_rows_tell_the_stem_and_how_they_were_sampled():
    row, _ = record_rows(8, batch_of([[1.0, 0.0]], [[2, 2]], grpo()))
    assert (row.stem, row.think_opened, row.kl_penalty) == ("题干0", True, None)
    assert (row.temperature, row.top_p, row.top_k) == (0.8, 0.9, 20)
    assert (row.max_tokens, row.seed) == (9, 5)
