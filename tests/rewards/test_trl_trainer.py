"""TRL's own GRPOTrainer trains on our reward, an error among the scores."""

from __future__ import annotations

import math

import pytest

from rewards import Score, exam_reward
from rewards.adapters import as_trl

pytest.importorskip("trl")

QUESTION = "单选题：在意识之外起作用的记忆是？\nA.内隐记忆\nB.外显记忆"


def test_two_steps(tmp_path, monkeypatch):
    from datasets import Dataset
    from tiny_models import byte_tokenizer, save_tiny_model
    from trl import GRPOConfig, GRPOTrainer

    seen = []
    exam = exam_reward(1.0, 0.5)

    def scored(sample):
        seen.append(sample)
        if len(seen) % 4 == 1:  # one of each group
            return Score.failed("timeout", "no score within 1 s")
        return Score.of(len(seen) % 3 + exam._score(sample).value)

    monkeypatch.setattr(exam, "score", scored)
    save_tiny_model(tmp_path / "model")
    config = GRPOConfig(
        output_dir=str(tmp_path / "out"), max_steps=2, per_device_train_batch_size=4, num_generations=4,
        max_completion_length=8, learning_rate=1e-3, use_cpu=True, report_to=[], logging_steps=1, seed=0,
        save_strategy="no", bf16=False, gradient_checkpointing=False, disable_tqdm=True,
    )  # fmt: skip
    rows = [{"prompt": QUESTION, "gold": "A", "kind": "single", "options": ["内隐记忆", "外显记忆"]}] * 4
    trainer = GRPOTrainer(
        model=str(tmp_path / "model"), reward_funcs=as_trl(exam, max_completion_length=8), args=config,
        train_dataset=Dataset.from_list(rows), processing_class=byte_tokenizer(),
    )  # fmt: skip
    before = {name: weight.detach().clone() for name, weight in trainer.model.named_parameters()}
    trainer.train()

    assert len(seen) == 8
    assert {sample.gold for sample in seen} == {"A"}
    assert all(sample.options and sample.response_tokens for sample in seen)
    log = [row for row in trainer.state.log_history if "reward" in row]
    assert [row["step"] for row in log] == [1, 2]
    # Of scores None, 2, 0, 1 and None, 0, 1, 2 each mean is 1: a None counted as 0 would make it 0.75.
    assert [row["reward"] for row in log] == pytest.approx([1.0, 1.0])
    assert [row["reward_errors/exam"] for row in log] == [0.25, 0.25]
    assert all(math.isfinite(row["loss"]) for row in log)
    after = dict(trainer.model.named_parameters())
    assert any(not weight.equal(after[name]) for name, weight in before.items())
    assert all(weight.isfinite().all() for weight in after.values())
