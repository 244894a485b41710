"""The judge is asked what the rules leave open, sees no key, and only adds letters."""

import json
import re
from pathlib import Path

import pytest
from fake_llm import FakeLLM

from psyche_rl.config import parse_config
from psyche_rl.errors import ConfigError
from psyche_rl.evaluation import ExamReply, grade
from psyche_rl.evaluation.answer_matching import is_open, judged_answers, letters_of
from psyche_rl.evaluation.judged_answer import judged_figures, with_judged
from psyche_rl.llm import CallFailure, ChatReply
from psyche_rl.records import Question

ROOT = Path(__file__).parents[3]
OPTIONS = ("投射", "否认", "升华", "合理化")
OPEN = "我倾向于那种把冲动变成社会认可行为的机制。"


def ask(number: int, gold: str = "C", kind: str = "single") -> Question:
    return Question(id=f"q{number}", kind=kind, stem=f"题干{number}", options=OPTIONS, gold=gold, source="t")


def graded(*replies: str, questions=None):
    asked = questions or [ask(i) for i in range(len(replies))]
    rows = grade([ExamReply(q, text, "stop", len(text)) for q, text in zip(asked, replies, strict=True)]).rows
    return rows, {q.id: q for q in asked}


@pytest.mark.parametrize(
    ("reply", "left_open"),
    [
        (OPEN, True),
        (f"<think>答案：A</think>{OPEN}", True),
        ("答案是A或B", True),
        ("答案：C", False),
        ("答案：E", False),  # a letter that the options lack is an answer, if a wrong one
        (f"<think>{OPEN}", False),
        ("<think>想</think> ", False),
        ("", False),
    ],
)
def test_only_what_the_rules_leave_open_is_asked(reply, left_open):
    ((row,), questions) = graded(reply)
    assert is_open(row, questions["q0"]) is left_open
    llm = FakeLLM(lambda prompt, sample: ChatReply('{"letters": "C"}', 1, 1))
    assert len(judged_answers("sft", [row], questions, llm)) == len(llm.asked) == left_open


def test_the_judge_sees_question_and_answer_part_and_neither_key_nor_draft():
    questions = [ask(0, gold="D"), ask(0, gold="A")]
    prompts = []
    for question in questions:
        rows, by_id = graded(f"<think>草稿</think>{OPEN}</reply>都对", questions=[question])
        llm = FakeLLM(lambda prompt, sample: ChatReply('{"letters": ""}', 1, 1))
        judged_answers("sft", rows, by_id, llm)
        ((_, prompt),) = llm.asked[0].messages
        prompts.append(prompt)
        assert (llm.asked[0].model, llm.asked[0].max_tokens) == (llm.teacher.model, llm.teacher.max_tokens)
    assert prompts[0] == prompts[1], "the prompt does not depend on the key"
    assert all(text in prompts[0] for text in ("题干0\nA.投射\nB.否认\nC.升华\nD.合理化", OPEN))
    assert "草稿" not in prompts[0]
    assert prompts[0].count("</reply>") == 1


def test_readings_are_graded_strictly_and_added_to_what_the_rules_read():
    replies = (OPEN, "答案是A或B", OPEN, OPEN, OPEN, "答案：C", OPEN)
    asked = [ask(i, *(("AC", "multiple") if i == 2 else ())) for i in range(7)]
    rows, questions = graded(*replies, questions=asked)
    said = {
        "题干0": '{"letters": "C"}', "题干1": '{"letters": ""}', "题干2": '{"letters": "c、A"}',
        "题干3": '{"letters": "E"}', "题干6": '{"letters": "AC"}',
    }  # fmt: skip

    def answer(prompt, sample):
        found = next((text for stem, text in said.items() if f"{stem}\n" in prompt), None)
        return ChatReply(found, 1, 1) if found else CallFailure("timeout", "no reply")

    judged = judged_answers("grpo", rows, questions, FakeLLM(answer))
    assert [(j.model, j.question_id, j.answer, j.correct, j.error) for j in judged] == [
        ("grpo", "q0", "C", True, None),
        ("grpo", "q1", None, False, None),
        ("grpo", "q2", "AC", True, None),
        ("grpo", "q3", None, False, "it names E, but there are 4 options"),
        ("grpo", "q4", None, False, "timeout: no reply"),
        ("grpo", "q6", "AC", False, None),
    ]
    assert {j.judge for j in judged} == {"scripted-teacher"}
    assert {j.prompt_version.partition("@")[0] for j in judged} == {"match_answer"}
    merged = with_judged(rows, judged)
    assert [(r.answer, r.correct) for r in merged] == [
        ("C", True), (None, False), ("AC", True), (None, False), (None, False), ("C", True),
        ("AC", False),
    ]  # fmt: skip
    changed = {"answer", "correct"}
    assert [r.model_dump(exclude=changed) for r in merged] == [r.model_dump(exclude=changed) for r in rows]
    figures = judged_figures(rows, judged)
    assert figures == {
        "asked": 6, "share": 6 / 7, "answered": 3, "failed": 2,
        "judge": "scripted-teacher", "prompt": judged[0].prompt_version,
    }  # fmt: skip
    nothing = {"asked": 0, "share": 0.0, "answered": 0, "failed": 0, "judge": None, "prompt": None}
    assert judged_figures([], []) == judged_figures(rows, []) == nothing


def test_what_the_rules_read_is_never_changed():
    rows, questions = graded("答案：A")
    judged = judged_answers(
        "sft", graded(OPEN)[0], questions, FakeLLM(lambda *_: ChatReply('{"letters":"C"}', 1, 1))
    )
    assert judged[0].question_id == rows[0].question_id
    assert with_judged(rows, judged) == list(rows)


@pytest.mark.parametrize(
    ("reply", "letters"),
    [
        ('{"letters": "CA"}', "AC"), ('{"letters": "A, c"}', "AC"),
        ('<think>B?</think>{"letters": "Ｄ"}', "D"),
        ('{"letters": ""}', ""), ('{"letters": " none. "}', ""), ('{"letters": "无"}', ""),
        ("A", None), ('{"letters": "none of them"}', None), ('{"letters": "A and C"}', None),
        ('{"letters": "1"}', None), ('<think>{"letters": "A"}', None),
    ],
)  # fmt: skip
def test_a_judges_reply_is_letters_or_nothing_or_sent_back(reply, letters):
    if letters is None:
        with pytest.raises(ValueError, match=r"letters|JSON"):
            letters_of(reply)
    else:
        assert letters_of(reply) == letters


def test_a_reply_that_cannot_be_read_goes_back_once():
    rows, questions = graded(OPEN)
    said = iter(["It commits to C.", '{"letters": "C"}'])
    llm = FakeLLM(lambda prompt, sample: ChatReply(next(said), 1, 1))
    assert judged_answers("sft", rows, questions, llm)[0].answer == "C"
    assert len(llm.asked) == 2
    assert json.loads(llm.asked[0].schema)["name"] == "MatchedLetters"


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ({"eval": {"extraction": "rules+judge"}}, r"'eval\.judge\.model'.*a model is asked.*name it"),
        ({"eval": {"judge": {"model": "http://a/v1"}}}, "names no model"),
        ({"eval": {"judge": {"model": "http://u:p@a/v1#m"}}}, "api_key_env"),
        (
            {"eval": {"extraction": "rules+judge", "judge": {"model": "m", "max_tokens": 4096}}},
            "leaves no room for a prompt",
        ),
        (
            {
                "eval": {"extraction": "rules+judge", "judge": {"model": "http://a/v1#m"}},
                "teacher": {"budget": {"cost": 1}, "prices": {"scripted-teacher": {}}},
            },
            r"eval\.judge\.model.*needs a price of 'm'",
        ),
        ({"grpo": {"extraction": "rules+judge"}}, "extraction"),
        ({"eval": {"extraction": "judge"}}, r"eval\.extraction"),
    ],
)
def test_a_judge_must_be_named_and_affordable_and_there_is_none_in_training(sections, told):
    with pytest.raises(ConfigError, match=told):
        parse_config({"run_dir": "r", **sections}, "test")


def test_a_judge_that_is_not_asked_is_nobody():
    config = parse_config({"run_dir": "r", "eval": {"judge": {"model": "m", "max_tokens": 9999}}}, "test")
    assert (config.eval.judge_model, config.eval.judge_on_engines) == (None, None)
    asked = {"extraction": "rules+judge", "judge": {"model": "http://a/v1#m", "max_tokens": 9999}}
    config = parse_config({"run_dir": "r", "eval": asked}, "test")
    assert (config.eval.judge_model, config.eval.judge_on_engines) == ("http://a/v1#m", None)


def test_nothing_that_trains_knows_the_judge():
    knowing = {
        str(path.relative_to(ROOT))
        for package in ("rewards", "psyche_rl", "actors", "data_pipeline", "launch")
        for path in (ROOT / package).rglob("*.py")
        if re.search(
            r"import.*answer_(?:matching|judge)|from .*answer_(?:matching|judge)", path.read_text("utf-8")
        )
    }
    assert knowing == {"launch/stages/answer_judge.py", "launch/stages/eval.py"}
