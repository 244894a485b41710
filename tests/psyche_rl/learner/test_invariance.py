"""Loss and gradient must not depend on packing, micro-batching or the number of ranks.

Three processes play all cases; they are forked from one that has imported torch and verl, since three
imports would cost more than the cases do.
"""

from __future__ import annotations

import multiprocessing
import pickle

import numpy as np
import pytest
import torch
import worlds
from tiny import make_model, policy_sequences

BASE = (1, "alone")
OF_THE_LAYOUT = ("fill", "prompts_saved")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    folder = tmp_path_factory.mktemp("worlds")
    make_model(folder / "model", dtype="float32")
    preload = ["worlds", "transformers.models.qwen2.modeling_qwen2", "verl.trainer.ppo.core_algos"]
    multiprocessing.get_context("forkserver").set_forkserver_preload(preload)
    torch.multiprocessing.start_processes(
        worlds.run, args=(str(folder), worlds.CASES), nprocs=3, start_method="forkserver"
    )
    return pickle.loads((folder / "seen.pickle").read_bytes())


@pytest.mark.parametrize("case", ["sft", *worlds.AGGREGATIONS])
@pytest.mark.parametrize(("world", "layout"), worlds.CASES)
def test_float64_steps_agree_to_rounding(seen, world, layout, case):
    metrics, gradients = seen[world, layout, case]
    expected, expected_gradients = seen[(*BASE, case)]
    of_the_loss = {name: value for name, value in expected.items() if name not in OF_THE_LAYOUT}
    assert {n: metrics[n] for n in of_the_loss} == pytest.approx(of_the_loss, rel=1e-9, abs=1e-12)
    assert gradients.keys() == expected_gradients.keys()
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, expected_gradients[name], rtol=0, atol=1e-9, msg=name)
    assert max(g.abs().max() for g in gradients.values()) > 1e-3  # there was something to compare


@pytest.mark.parametrize("aggregation", worlds.AGGREGATIONS)
@pytest.mark.parametrize(("world", "layout"), worlds.CASES)
def test_a_mini_batch_in_parts_has_the_gradient_and_the_figures_of_the_whole(
    seen, world, layout, aggregation
):
    metrics, gradients = seen[world, layout, f"{aggregation} in parts"]
    expected, expected_gradients = seen[*BASE, aggregation]
    of_the_loss = {name: value for name, value in expected.items() if name not in OF_THE_LAYOUT}
    assert {n: metrics[n] for n in of_the_loss} == pytest.approx(of_the_loss, rel=1e-9, abs=1e-12)
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, expected_gradients[name], rtol=0, atol=1e-9, msg=name)


@pytest.mark.parametrize("world", worlds.WORLDS)
def test_float32_reduces_over_ranks_to_the_same_gradient(seen, world):
    for name, gradient in seen[world, "float32"][1].items():
        expected = seen[(*BASE, "sft")][1][name].float()
        torch.testing.assert_close(gradient, expected, rtol=1e-3, atol=1e-5, msg=name)


@pytest.mark.parametrize("world", worlds.WORLDS)
def test_a_rank_without_sequences_changes_nothing(seen, world):
    metrics, gradients = seen[world, "few"]
    assert metrics == pytest.approx(seen[1, "few"][0], rel=1e-9)
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, seen[1, "few"][1][name], rtol=0, atol=1e-9, msg=name)


@pytest.mark.parametrize("world", [1, 3])
def test_two_ranks_checkpoint_loads_elsewhere_with_zero_difference(seen, world):
    (weights, adam), (expected, expected_adam) = seen[world, "restored"], seen[2, "restored"]
    assert weights.keys() == expected.keys()
    assert adam.keys() == expected_adam.keys()
    for name, array in weights.items():
        np.testing.assert_array_equal(array, expected[name])
    for name, tensor in adam.items():
        assert torch.equal(tensor, expected_adam[name]), name
    assert seen[world, "next"] == pytest.approx(seen[2, "next"], rel=1e-4)


def test_shared_prompts_save_tokens_and_padding(seen):
    def figures(layout):
        metrics = seen[1, layout, "token-mean"][0]
        return [round(metrics[name], 4) for name in OF_THE_LAYOUT]

    sequences = policy_sequences()
    unshared = sum(len(s.input_ids) - 1 for s in sequences)
    saved = sum(s.prompt_length for n, s in enumerate(sequences) if n % 3)
    longest = max(len(s.input_ids) - 1 for s in sequences)
    assert figures("all at once") == [1.0, round(saved / unshared, 4)]
    assert figures("alone") == [round(unshared / (longest * len(sequences)), 4), 0.0]


def test_packing_saves_padding_only(seen):
    metrics = seen[1, "packed", "token-mean"][0]
    assert [round(metrics[name], 4) for name in OF_THE_LAYOUT] == [1.0, 0.0]


def test_what_one_rank_cannot_write_both_are_told(seen):
    told, marked = seen["unwritten"]
    assert [kind for kind, _ in told] == ["RunFolderError"] * 2
    assert all("rank 1: [Errno 28] No space left on device" in text for _, text in told)
    assert not marked


def test_damage_that_one_rank_finds_both_are_told(seen):
    assert [kind for kind, _ in seen["damaged"]] == ["DamagedFolderError"] * 2
    assert all("__1_0.distcp holds other bytes" in text for _, text in seen["damaged"])


@pytest.mark.parametrize("world", [2, 3])
def test_adapters_start_and_move_alike_on_every_number_of_ranks(seen, world):
    starts, metrics, gradients = seen[world, "lora"]
    expected_starts, expected, expected_gradients = seen[1, "lora"]
    assert starts.keys() == expected_starts.keys()
    assert all(torch.equal(start, expected_starts[name]) for name, start in starts.items())
    assert metrics == pytest.approx(expected, rel=1e-9)
    assert len(gradients) == 2 * len(starts)
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, expected_gradients[name], rtol=0, atol=1e-9, msg=name)
        assert gradient.abs().max() > 1e-4


@pytest.mark.parametrize("world", [1, 3])
def test_adapters_of_two_ranks_load_elsewhere_with_zero_difference(seen, world):
    for name, array in seen[world, "lora published"].items():
        np.testing.assert_array_equal(array, seen[2, "lora published"][name])
    assert seen[world, "lora next"] == pytest.approx(seen[2, "lora next"], rel=1e-9)
