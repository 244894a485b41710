"""What is doubtful about a question shown: each kind has its remark, and a sound question has none."""

from __future__ import annotations

import pytest
from made_up_run import make_question

from psyche_rl.report.doubts import question_doubts, reply_doubts
from psyche_rl.report.samples import pick_samples

SOUND = make_question(0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"stem": " "}, "no question text"),
        ({"options": ("甲", "乙", "甲。", "丙")}, "Options A and C say the same"),
        ({"options": ("甲", "乙", "丙", "　")}, "Option D is empty"),
        ({"gold": "AE"}, "names E"),
        ({"kind": "multiple", "gold": "B"}, "its key is one letter"),
    ],
)
def test_each_doubt_is_said(change, said):
    assert question_doubts(SOUND) == []
    [remark] = question_doubts(SOUND.model_copy(update=change))
    assert said in remark


def row(answer: str | None, finish: str = "stop") -> dict:
    return {"answer": answer, "finish_reason": finish}


def test_models_that_agree_against_the_key_put_it_in_doubt():
    assert reply_doubts(SOUND, {"sft": row("A"), "grpo": row("A")}) == []
    assert reply_doubts(SOUND, {"sft": row("B"), "grpo": row("C")}) == []
    assert reply_doubts(SOUND, {"sft": row(None), "grpo": row(None)}) == []
    assert reply_doubts(SOUND, {"grpo": row("B")}) == []
    [remark] = reply_doubts(SOUND, {"sft": row("B"), "grpo": row("B")})
    assert "answers B and none A" in remark
    [remark] = reply_doubts(SOUND, {"sft": row("A", "length"), "grpo": row("A")})
    assert "Cut off at the length limit: the reply of sft" in remark


def test_the_first_sample_is_none_that_is_doubtful_in_itself():
    twice = ("甲", "甲", "乙", "丙")
    questions = [make_question(i) for i in range(8)]
    questions = [q.model_copy(update={"options": twice}) if i % 2 else q for i, q in enumerate(questions)]
    right = {"response": "", "correct": True, "format_ok": True}
    replies = {"grpo": [{"question_id": q.id, **right, **row(q.gold)} for q in questions]}
    for seed in range(5):
        shown = pick_samples(questions, replies, {}, 8, seed)
        assert [bool(sample.remarks) for sample in shown] == [False] * 4 + [True] * 4
