"""The memory plan against figures that were measured or counted by hand (RUNTIME-FACTS.md)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from psyche_rl.config.engine import EngineConfig
from psyche_rl.config.learner import LearnerConfig
from psyche_rl.config.lora import LoraConfig
from psyche_rl.placement.cluster_shape import GIB
from psyche_rl.placement.memory import (
    engine_host_terms,
    engine_terms,
    frozen_terms,
    learner_host_terms,
    learner_terms,
    publishing_terms,
    total,
)
from psyche_rl.placement.model_size import model_size

GB = 1e9
SEVEN = model_size("Qwen/Qwen2.5-7B-Instruct", None, None)
LEARNER = LearnerConfig(micro_batch_tokens=16384, gradient_checkpointing=True)
ENGINE = EngineConfig(dtype="bfloat16", max_model_len=8192)
STATE = {"weights in float32", "optimizer moments", "gradients"}


def by_name(terms) -> dict[str, int]:
    return {term.what: term.size for term in terms}


@pytest.mark.parametrize(("ranks", "peak"), [(8, 36), (4, 51), (2, 82)])
def test_a_policy_of_seven_billion_on_so_many_ranks(ranks, peak):
    terms = learner_terms(SEVEN, LEARNER, ranks, reference=False)
    assert total(terms) / GB == pytest.approx(peak, abs=1.5)
    state = sum(size for what, size in by_name(terms).items() if what in STATE)
    assert state == pytest.approx(16 * SEVEN.parameters / ranks, rel=1e-6)
    if ranks == 8:
        assert state / GB == pytest.approx(15, abs=0.5)


def test_a_reference_in_the_ranks_is_a_shard_in_the_computing_type():
    without, beside = (learner_terms(SEVEN, LEARNER, 8, reference) for reference in (False, True))
    assert total(beside) - total(without) == SEVEN.parameters * 2 // 8 == by_name(beside)["reference"]


def test_activations_follow_the_micro_batch_and_checkpointing():
    small = replace_tokens(8192)
    full = LEARNER.model_copy(update={"gradient_checkpointing": False})
    kept = {name: by_name(learner_terms(SEVEN, c, 8, False))["activations"] for name, c in
            (("given", LEARNER), ("half", small), ("full", full))}  # fmt: skip
    assert kept["half"] * 2 == kept["given"]
    assert kept["full"] > 6 * kept["given"]
    keys = {t.what: t.key for t in learner_terms(SEVEN, full, 8, False, "sft")}
    assert keys["activations"] == "sft.learner.gradient_checkpointing"
    assert (keys["weights in float32"], keys["logits chunk"]) == (
        "sft.ranks",
        "sft.learner.micro_batch_tokens",
    )


def replace_tokens(tokens: int) -> LearnerConfig:
    return LEARNER.model_copy(update={"micro_batch_tokens": tokens})


def test_a_small_vocabulary_has_a_small_chunk_of_logits():
    tiny = replace(SEVEN, vocab=1000)
    assert by_name(learner_terms(tiny, LEARNER, 1, False))["logits chunk"] == 16384 * 1000 * (4 * 4 + 2)
    assert by_name(learner_terms(SEVEN, LEARNER, 1, False))["logits chunk"] == 2**27 * 18


def test_adapters_have_the_moments_and_the_model_is_kept_once():
    lora = model_size("Qwen/Qwen2.5-7B-Instruct", None, LoraConfig(rank=32, alpha=64))
    terms = by_name(learner_terms(lora, replace_tokens(8192), 1, reference=True))
    # The preset's own words: 15.2 GB model, 1.3 GB adapters, about 6 GB activations and logits.
    assert terms["frozen weights"] / GB == pytest.approx(15.2, abs=0.1)
    assert sum(terms[name] for name in STATE) / GB == pytest.approx(1.3, abs=0.05)
    assert (terms["activations"] + terms["logits chunk"]) / GB == pytest.approx(6, abs=1)
    assert "reference" not in terms
    assert terms["gathered gradients"] == 0


def test_float32_is_its_own_master():
    terms = by_name(learner_terms(SEVEN, LEARNER.model_copy(update={"dtype": "float32"}), 4, False))
    assert terms["weights"] == SEVEN.parameters
    assert terms["optimizer moments"] == 2 * SEVEN.parameters


def test_an_engine_takes_what_is_set_or_its_share_of_the_device():
    share = engine_terms(SEVEN, ENGINE, 1, 80 * GIB, "e")
    assert total(share) == int(0.85 * 80 * GIB)
    assert by_name(share)["weights"] / GB == pytest.approx(15.2, abs=0.1)
    fixed = by_name(engine_terms(SEVEN, ENGINE.model_copy(update={"kv_cache_mib": 20480}), 1, 80 * GIB, "e"))
    assert fixed["KV cache"] == 20 * GIB
    # 375,000 tokens in 21 GB, as the preset for one GPU has it.
    assert fixed["KV cache"] / SEVEN.kv_bytes(2) == pytest.approx(375_000, rel=0.01)


def test_an_engine_that_cannot_hold_one_request_wants_more_than_its_share():
    long = ENGINE.model_copy(update={"max_model_len": 10**6})
    terms = by_name(engine_terms(SEVEN, long, 1, 24 * GIB, "e"))
    assert terms["KV cache of one request"] == 10**6 * SEVEN.kv_bytes(2)
    assert "KV cache" not in terms
    tight = ENGINE.model_copy(update={"kv_cache_mib": 1})
    assert by_name(engine_terms(SEVEN, tight, 1, 0, "e"))["KV cache"] == 8192 * SEVEN.kv_bytes(2)


def test_shards_of_an_engine_split_weights_and_at_most_each_key_head():
    one, four, eight = (by_name(engine_terms(SEVEN, ENGINE.model_copy(update={"kv_cache_mib": 1}), n, 0, "e"))
                        for n in (1, 4, 8))  # fmt: skip
    assert four["weights"] == one["weights"] // 4
    assert four["KV cache"] * 4 == one["KV cache"]
    assert eight["KV cache"] == four["KV cache"]
    assert four["activations and graphs"] < one["activations and graphs"]


def test_a_pool_s_reference_is_a_whole_model():
    terms = by_name(frozen_terms(SEVEN, LEARNER))
    assert terms["weights"] == 2 * SEVEN.parameters
    assert sum(terms.values()) / GB < 25


def test_hosts_hold_the_checkpoint_once_over_all_ranks_and_two_published_versions():
    ranks = [by_name(learner_host_terms(SEVEN, LEARNER, 8, on_gpu=True)) for _ in range(8)]
    # 12 bytes a parameter: the checkpoint of 91 GB.
    assert sum(r["checkpoint on its way"] for r in ranks) / GB == pytest.approx(91, abs=1)
    gathered, stored = publishing_terms(SEVEN, 2)
    assert (total(gathered) / GB, total(stored) / GB) == pytest.approx((15.2, 30.5), abs=0.1)
    assert by_name(engine_host_terms(SEVEN, 4, True))["processes"] == 5 * by_name(ranks_of_one())["processes"]
    assert ranks[0]["a tensor while loading"] == 152064 * 3584 * 6


def ranks_of_one():
    return engine_host_terms(SEVEN, 1, True)
