"""Which questions a run trains on; the others are set aside with the reason, and none left is one line."""

from __future__ import annotations

import pytest

from launch.stages.training_questions import SET_ASIDE, trainable
from psyche_rl.config.prompt import PromptConfig
from psyche_rl.errors import DataError
from psyche_rl.records import Quarantined, Question
from psyche_rl.rollout.question_codec import QuestionCodec
from psyche_rl.store import RunStore
from rewards import exam_reward

FILE = "select/grpo.parquet"
REWARD = exam_reward(1.0, 0.5)


class CharTokenizer:
    """One character, one token."""

    def apply_chat_template(self, chat, add_generation_prompt, tokenize):
        return "".join(message["content"] for message in chat)

    def encode(self, text, add_special_tokens):
        return [ord(c) for c in text]


def question(number: int, gold: str, stem: str = "题干") -> Question:
    return Question(
        id=f"q{number}", kind="multiple", stem=stem, options=tuple("甲乙丙丁"), gold=gold, source="test"
    )


def codec(room: int = 100) -> QuestionCodec:
    return QuestionCodec(CharTokenizer(), PromptConfig(instruction=""), 8, room, (0,))


def test_questions_with_impossible_keys_are_set_aside_with_the_reason(tmp_path):
    store = RunStore(str(tmp_path))
    asked = [question(0, "AB"), question(1, ""), question(2, "AE"), question(3, "C、D")]
    kept = trainable(REWARD, asked, codec(), FILE, store)
    assert [q.id for q in kept] == ["q0", "q3"]
    aside = store.read_records(SET_ASIDE, Quarantined)
    assert [(q.stage, q.source, q.row) for q in aside] == [("grpo", FILE, 1), ("grpo", FILE, 2)]
    assert "empty" in aside[0].reason
    assert "E" in aside[1].reason
    assert Question.model_validate_json(aside[1].content) == asked[2]


def test_questions_too_long_for_the_context_are_set_aside_beside_them(tmp_path):
    store = RunStore(str(tmp_path))
    asked = [question(0, "A", "长" * 80), question(1, ""), question(2, "A"), question(3, "", "长" * 80)]
    length = len("多选题：题干\nA.甲\nB.乙\nC.丙\nD.丁")
    assert trainable(REWARD, asked, codec(length + 8), FILE, store) == [asked[2]]
    aside = store.read_records(SET_ASIDE, Quarantined)
    assert [a.row for a in aside] == [0, 1, 3]
    assert aside[0].reason == (
        f"a prompt of {length + 78} tokens and a reply of 8 do not fit a context of {length + 8}"
    )
    assert Question.model_validate_json(aside[0].content) == asked[0]
    assert ["empty" in a.reason for a in aside] == [False, True, True]


def test_where_nothing_is_wrong_nothing_is_set_aside(tmp_path):
    store = RunStore(str(tmp_path))
    assert trainable(REWARD, [question(0, "A")], codec(), FILE, store) == [question(0, "A")]
    assert store.read_records(SET_ASIDE, Quarantined) == []


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (
            [question(0, "")],
            r"grpo.parquet: none of 1 questions is left to train on: no reply to 1 can be scored "
            r"\(row 0: .*empty.*\); correct the keys$",
        ),
        (
            [question(0, ""), question(1, "A", "长" * 200), question(2, "A", "长" * 200)],
            r"none of 3 questions .*: no reply to 1 .*, 2 are too long \(row 1: a prompt of \d+ tokens and a "
            r"reply of 8 do not fit a context of 100\); correct the keys, or lower grpo.max_tokens, raise "
            r"engine.max_model_len or take a model of a longer context$",
        ),
        ([question(0, "A", "长" * 200)], r"none of 1 questions .* train on: 1 are too long .*; lower grpo"),
    ],
)
def test_nothing_to_train_on_is_one_line(tmp_path, asked, told):
    with pytest.raises(DataError, match=told) as caught:
        trainable(REWARD, asked, codec(), FILE, RunStore(str(tmp_path)))
    assert "\n" not in str(caught.value)
