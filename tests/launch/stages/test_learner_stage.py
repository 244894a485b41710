"""The sft stage on a real learner group: trains, counts, goes on after a cut, or passes the base through."""

from __future__ import annotations

import io

import pytest
import torch

from psyche_rl.config import parse_config
from psyche_rl.events import Events
from psyche_rl.records import Message, SftExample
from psyche_rl.store import RunStore


@pytest.fixture
def stage(tmp_path, ray_local):
    from tiny_models import save_tiny_model

    from psyche_rl.run_context import StageContext

    save_tiny_model(tmp_path / "base")
    examples = [
        SftExample(
            id=str(n),
            kind="reasoning",
            source_id="q",
            messages=(
                Message(role="user", content=f"question {n}"),
                Message(role="assistant", content="yes"),
            ),
        )
        for n in range(12)
    ]
    long = examples[0].model_copy(
        update={"messages": (Message(role="user", content="x" * 90), *examples[0].messages[1:])}
    )

    def context(name, lora=None, **sft):
        config = parse_config(
            {
                "run_dir": str(tmp_path / name),
                "model": str(tmp_path / "base"),
                "engine": {"max_model_len": 64},
                "select": {"max_tokens": 8},
                "grpo": {"max_tokens": 8},
                "eval": {"max_tokens": 8},
                "learner": {"dtype": "float32", "row_tokens": 64, "micro_batch_tokens": 256, "threads": 1},
                "lora": lora,
                "sft": {"lr": 3e-3, "batch_size": 4, "epochs": 4, **sft},
            },
            "test",
        )  # fmt: skip
        store = RunStore(config.run_dir)
        store.write_records("select/sft.parquet", SftExample, [*examples, long])
        return StageContext(config, store, Events(store, io.StringIO()), tmp_path)

    return context


@pytest.mark.slow
def test_a_run_cut_off_ends_with_the_same_losses_and_model(stage, monkeypatch):
    from actors.learner.group import LearnerGroup
    from launch.stages import sft

    whole = stage("whole")
    counts = sft.run(whole)
    assert (counts["examples"], counts["left_out"], counts["steps"], counts["tokens"]) == (12, 1, 12, 192)
    assert counts["loss_last"] < 0.7 * counts["loss_first"]

    cut, taken, step = stage("cut"), [], LearnerGroup.sft_step

    def dying(self, sequences):
        taken.append(1)
        if len(taken) == 8:
            raise KeyboardInterrupt
        return step(self, sequences)

    monkeypatch.setattr(LearnerGroup, "sft_step", dying)
    with pytest.raises(KeyboardInterrupt):
        sft.run(cut)
    assert sft.run(cut) == counts
    assert len(taken) in (8 + 6, 8 + 9)  # from step 6, or from step 3 if that one was not on the disk yet
    assert cut.store.read_bytes("sft/metrics.jsonl") == whole.store.read_bytes("sft/metrics.jsonl")
    assert cut.store.digest("sft/model") == whole.store.digest("sft/model")
    assert not whole.store.exists("sft/adapter")


@pytest.mark.slow
def test_adapters_lie_beside_the_model_that_they_are_merged_into(stage, tmp_path):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    from launch.stages import sft

    context = stage("lora", {"rank": 8}, epochs=2)
    counts = sft.run(context)
    assert counts["loss_last"] < counts["loss_first"]
    base, merged = (
        AutoModelForCausalLM.from_pretrained(folder)
        for folder in (tmp_path / "base", context.store.path("sft/model"))
    )
    peft = PeftModel.from_pretrained(base, context.store.path("sft/adapter")).merge_and_unload()
    for name, weight in merged.state_dict().items():
        torch.testing.assert_close(peft.state_dict()[name], weight, rtol=0, atol=1e-6)


def test_skip_passes_the_base_model_through(stage):
    from launch.stages import sft

    context = stage("skip", skip=True)
    assert sft.run(context) == {"examples": 0, "steps": 0}
    names = {p.split("/")[-1] for p in context.store.glob("sft/model/*")}
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= names
