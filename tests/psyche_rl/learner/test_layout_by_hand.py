"""Small layouts, sequences and objectives, written out."""

import numpy as np
import pytest
import torch
from one_micro_batch import collated
from tiny import make_model, sft_sequences

from psyche_rl.config.grpo import GrpoConfig
from psyche_rl.config.learner import LearnerConfig
from psyche_rl.learner.bundles import bundles
from psyche_rl.learner.frozen import FrozenModel
from psyche_rl.learner.objectives import SUMMED, Denominators, PolicyObjective, policy_loss, sft_loss
from psyche_rl.learner.packed_batch import collate, filler
from psyche_rl.learner.packing import MicroBatch, pack
from psyche_rl.learner.rank_split import split
from psyche_rl.learner.sequence import PolicySequence, SftSequence, response_length
from psyche_rl.rollout.sampling import Sampling

CPU = torch.device("cpu")


def test_rows_are_filled_longest_first_and_like_widths_stand_together():
    batches = pack([3, 9, 2, 6, 3, 1], row_tokens=9, micro_batch_tokens=20)
    assert [(b.rows, b.width) for b in batches] == [(((1,), (3, 0)), 9), (((4, 2, 5),), 6)]
    assert pack([4, 4, 4], 4, 8) == [MicroBatch(((0,), (1,)), 4), MicroBatch(((2,),), 4)]
    assert pack([], 4, 8) == []


def test_ranks_get_the_longest_first_and_their_indices_in_order():
    assert split([5, 1, 4, 3, 3], 2) == [[0, 4], [1, 2, 3]]
    assert split([2, 2, 2], 2) == [[0, 2], [1]]
    assert split([], 2) == [[], []]


def test_a_batch_by_hand():
    sequences = [SftSequence(np.array([11, 12, 13]), 1), SftSequence(np.array([21, 22]), 1)]
    sequences.append(SftSequence(np.array([31, 32, 33, 34]), 3))
    alone = bundles(sequences, 9, shared=False)
    batch = collate(sequences, alone, MicroBatch(((0, 1), (2,)), 4), CPU)
    assert batch.members == (0, 1, 2)
    assert batch.visible is None  # who sees whom is said where it is asked for
    assert batch.input_ids.tolist() == [[11, 12, 21, 0], [31, 32, 33, 0]]
    assert batch.position_ids.tolist() == [[0, 1, 0, 0], [0, 1, 2, 0]]
    assert batch.predictors.tolist() == [0, 1, 2, 6]
    assert batch.targets.tolist() == [12, 13, 22, 34]
    assert batch.lengths.tolist() == [2, 1, 1]
    flat = torch.tensor([1.0, 2.0, 3.0, 4.0])
    assert batch.per_sequence(flat).tolist() == [[1, 2], [3, 0], [4, 0]]
    assert [part.tolist() for part in batch.split(flat.numpy())] == [[1, 2], [3], [4]]
    whole = collate(sequences, alone, MicroBatch(((0, 1), (2,)), 4), CPU, one_row=True)
    assert whole.input_ids.tolist() == [[11, 12, 21, 31, 32, 33]]
    assert whole.predictors.tolist() == [0, 1, 2, 5]


def test_a_filler_is_one_prompt_token_and_costs_nothing():
    empty = filler(CPU)
    assert (empty.members, empty.input_ids.tolist(), empty.position_ids.tolist()) == ((), [[0]], [[0]])
    assert (empty.predictors.tolist(), empty.targets.tolist(), empty.lengths.tolist()) == ([], [], [])
    assert empty.split(np.zeros(0)) == []
    none = torch.zeros(0, requires_grad=True)
    loss, metrics = policy_loss(none, none, empty, [], PolicyObjective(), Denominators(0, 0))
    assert loss.item() == 0.0
    assert metrics == dict.fromkeys((*SUMMED, "ratio_max"), 0.0)


def test_a_sequence_has_a_prompt_a_response_and_a_figure_for_each_token():
    assert response_length(SftSequence(np.arange(5), 4)) == 1
    for wrong in (0, 5, 6):
        with pytest.raises(ValueError, match=rf"prompt_length {wrong} leaves no prompt or no response in 5"):
            SftSequence(np.arange(5), wrong)
    good = PolicySequence.of([1, 2], [3, 4, 5], [-1.0, -2.0, -3.0], 0.5)
    assert (good.input_ids.tolist(), good.input_ids.dtype, good.prompt_length) == (
        [1, 2, 3, 4, 5],
        np.int64,
        2,
    )
    assert (good.advantages.tolist(), good.advantages.dtype) == ([0.5] * 3, np.float32)
    assert (good.mask.tolist(), good.old_logprobs.dtype) == ([True] * 3, np.float32)
    masked = PolicySequence.of([1], [2], [-1.0], None)
    assert (masked.advantages.tolist(), masked.mask.tolist()) == ([0.0], [False])
    assert PolicySequence.of([1], [2], [-1.0], 0.0).mask.tolist() == [True]
    for name in ("old_logprobs", "advantages", "mask", "reference_logprobs"):
        arrays = {n: np.zeros(3) for n in ("old_logprobs", "advantages", "mask", "reference_logprobs")}
        with pytest.raises(ValueError, match=rf"{name} has shape \(2,\), the response has 3 tokens"):
            PolicySequence(np.arange(5), 2, **(arrays | {name: np.zeros(2)}))


def test_the_objective_is_the_configs():
    config = GrpoConfig(
        policy_loss="gspo", loss_aggregation="seq-mean-token-mean", clip_ratio=0.3, kl_coef=0.5,
        kl_estimator="k2", temperature=0.7, top_p=0.9, top_k=20, max_tokens=33,
    )  # fmt: skip
    assert PolicyObjective.from_config(config) == PolicyObjective(
        "gspo", "seq-mean-token-mean", 0.3, 0.5, "k2", Sampling(0.7, 0.9, 20), 33
    )
    several = GrpoConfig(
        clip_ratio_low=0.1, clip_ratio_high=0.3, clip_ratio_c=5, entropy_coeff=0.01, use_kl_in_reward=True
    )
    assert PolicyObjective.from_config(several) == PolicyObjective(
        clip_ratio_low=0.1, clip_ratio_high=0.3, clip_ratio_c=5, entropy_coeff=0.01, max_response_tokens=1024
    )  # a KL in the reward is none of the loss
    assert PolicyObjective() == PolicyObjective(
        "vanilla", "token-mean", 0.2, 0.0, "low_var_kl", Sampling(), None
    )
    assert sft_loss(torch.tensor([-1.0, -3.0]), Denominators(8, 0)).item() == 0.5


def test_an_objective_that_lacks_what_it_needs_says_so():
    sequence = PolicySequence.of([1], [2], [-1.0], 1.0)
    batch = collated([sequence])
    given = (torch.tensor([-1.0]), torch.zeros(1), batch, [sequence])
    with pytest.raises(ValueError, match="no reference_logprobs, which the objective needs"):
        policy_loss(*given, PolicyObjective(kl_coef=0.1), Denominators(1, 1))
    with pytest.raises(ValueError, match="needs max_response_tokens"):
        policy_loss(*given, PolicyObjective(loss_aggregation="seq-mean-token-sum-norm"), Denominators(1, 1))


def test_a_frozen_model_scores_as_the_learner_and_holds_no_gradients(tmp_path, new_learner):
    folder, sequences = make_model(tmp_path), sft_sequences(4)
    config = LearnerConfig(dtype="float32", row_tokens=24, micro_batch_tokens=60)
    frozen = FrozenModel(folder, config, CPU)
    assert not any(p.requires_grad for p in frozen._model.parameters())
    learner = new_learner(folder)
    for heat in (1.0, 0.7):
        theirs = learner.logprobs(sequences, Sampling(heat))
        pairs = zip(frozen.logprobs(sequences, heat), theirs, strict=True)
        for ours, theirs in pairs:
            np.testing.assert_allclose(ours, theirs, atol=1e-6)
