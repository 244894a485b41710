"""Whoever reads a reply knows what its question asks for: selection, rationales, evaluation, rewards."""

import json

import pytest
from typer.testing import CliRunner

from data_pipeline.answering.verdict import verdict
from data_pipeline.domains import load_domain
from data_pipeline.synthesis.rationales import judge
from launch.cli.app import app
from psyche_rl.config.prompt import PromptConfig
from psyche_rl.evaluation.grading import ExamReply, grade
from psyche_rl.llm import ChatReply
from psyche_rl.records import Question
from psyche_rl.rollout.question_codec import QuestionCodec
from rewards import McqElastic, McqJaccard, McqStrict, RewardSample

WRONG = "下列关于防御机制的说法，错误的是"
OPTIONS = ("投射", "否认", "升华", "合理化")
REPLY = "A正确，B正确，C正确，D错误。"
ASKS = Question(id="q", kind="single", stem=WRONG, options=OPTIONS, gold="D", source="s")
PLAIN = ASKS.model_copy(update={"stem": "下列关于防御机制的说法，正确的是", "gold": "ABC"})


@pytest.mark.parametrize("question", [ASKS, PLAIN], ids=["wrong", "right"])
def test_what_is_asked_for_is_known_wherever_a_reply_is_read(question):
    assert verdict("m", question, 0, REPLY).answer == question.gold
    assert (
        judge(question, "", ChatReply(REPLY, 1, 1), 0, "m", load_domain("psychology")).answer == question.gold
    )
    (row,) = grade([ExamReply(question, REPLY, "stop", 5)]).rows
    assert (row.answer, row.correct) == (question.gold, True)
    codec = QuestionCodec(tokenizer=None, prompt=PromptConfig(), max_tokens=8, max_model_len=64, stops=())
    sample = codec._rewardable(question, id="1", response=REPLY)
    assert sample.stem == question.stem
    for reward in (McqStrict(), McqElastic(), McqJaccard()):
        assert reward.score(sample).value == 1.0


def test_the_prompt_tells_it_where_a_sample_has_no_stem():
    prompt = "\n".join([f"单选题：{WRONG}", *(f"{x}.{o}" for x, o in zip("ABCD", OPTIONS, strict=True))])
    asked = {"id": "1", "response": REPLY, "gold": "D", "kind": "single", "options": OPTIONS}
    assert McqStrict().score(RewardSample(**asked, prompt=prompt)).value == 1.0
    assert McqStrict().score(RewardSample(**asked, prompt=prompt, stem=PLAIN.stem)).value == 0.0
    assert McqStrict().score(RewardSample(**asked)).value == 0.0


def test_the_command_takes_a_stem_and_rows_without_options():
    rows = [
        {"text": REPLY, "options": OPTIONS, "stem": WRONG},
        {"text": REPLY, "options": OPTIONS, "stem": None},
        {"text": "The answer is A (USA)."},
    ]
    done = CliRunner().invoke(app, ["rewards", "extract", "-"], input="\n".join(map(json.dumps, rows)))
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["letters"] for each in found] == ["D", "ABC", "A"]
    assert found[0]["stem"] == WRONG
