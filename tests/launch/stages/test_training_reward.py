"""The reward of a run: where it comes from, that it stays the same, and which questions it can score."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from launch.stages.training_reward import FILE, SET_ASIDE, keep_fingerprint, scorable, training_reward
from psyche_rl.config.grpo import RewardConfig
from psyche_rl.config.prompt import PromptConfig
from psyche_rl.errors import ConfigError, DataError, RunFolderError
from psyche_rl.records import Quarantined, Question
from psyche_rl.rollout.question_codec import QuestionCodec
from psyche_rl.store import RunStore
from rewards import exam_reward

SET = """
name: exam
compose: sum
rewards:
- reward: mcq_strict
- reward: think_format
  weight: 0.5
"""


def question(number: int, gold: str) -> Question:
    return Question(
        id=f"q{number}", kind="multiple", stem="题干", options=tuple("甲乙丙丁"), gold=gold, source="test"
    )


CODEC = QuestionCodec(SimpleNamespace(), PromptConfig(), 8, 64)


def test_two_weights_or_a_reward_set_are_the_same_reward(tmp_path):
    (tmp_path / "set.yaml").write_text(SET, "utf-8")
    plain = training_reward(RewardConfig())
    described = training_reward(RewardConfig(config=str(tmp_path / "set.yaml")))
    assert plain.fingerprint() == described.fingerprint() == exam_reward(1.0, 0.5).fingerprint()


def test_a_reward_set_that_is_none_is_a_config_error(tmp_path):
    file = tmp_path / "set.yaml"
    file.write_text("reward: mcq_strct\n", "utf-8")
    with pytest.raises(ConfigError, match=r"set\.yaml: .*did you mean 'mcq_strict'"):
        training_reward(RewardConfig(config=str(file)))


def test_a_run_keeps_its_reward_and_refuses_another(tmp_path):
    store, reward = RunStore(str(tmp_path)), exam_reward(1.0, 0.5)
    keep_fingerprint(store, reward)
    kept = json.loads(store.read_bytes(FILE))
    assert (kept["name"], kept["fingerprint"]) == ("exam", reward.fingerprint())
    assert [part["reward"] for part in kept["reward"]["rewards"]] == ["mcq_strict", "think_format"]
    keep_fingerprint(store, exam_reward(1.0, 0.5))
    with pytest.raises(RunFolderError, match=f"fingerprint {reward.fingerprint()}, now it is 'exam'"):
        keep_fingerprint(store, exam_reward(1.0, 0.4))


def test_questions_with_impossible_keys_are_set_aside_with_the_reason(tmp_path):
    store = RunStore(str(tmp_path))
    asked = [question(0, "AB"), question(1, ""), question(2, "AE"), question(3, "C、D")]
    kept = scorable(exam_reward(1.0, 0.5), asked, CODEC, "select/grpo.parquet", store)
    assert [q.id for q in kept] == ["q0", "q3"]
    aside = store.read_records(SET_ASIDE, Quarantined)
    assert [(q.stage, q.source, q.row) for q in aside] == [
        ("grpo", "select/grpo.parquet", 1),
        ("grpo", "select/grpo.parquet", 2),
    ]
    assert "empty" in aside[0].reason
    assert "E" in aside[1].reason
    assert Question.model_validate_json(aside[1].content) == asked[2]


def test_nothing_to_train_on_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"no question can be scored: row 0: .*empty"):
        scorable(
            exam_reward(1.0, 0.5), [question(0, "")], CODEC, "select/grpo.parquet", RunStore(str(tmp_path))
        )
