"""Prompts of domains: the built-in ones are as recorded; the scripted teacher understands every one."""

import hashlib
import pickle
from pathlib import Path

import pytest
from jinja2 import UndefinedError
from jinja2.exceptions import SecurityError

from data_pipeline.domains import load_domain
from data_pipeline.domains.domain import Domain
from data_pipeline.domains.prompt_names import PROMPTS
from psyche_rl.mini.teacher import prompt_reading

LAW = str(Path(__file__).parents[3] / "examples" / "law_mcq" / "domain")
PSYCHOLOGY = load_domain("psychology")
QUESTION = "单选题：甲\nA.一\nB.二"
VALUES = {
    "questions": {"count": 2, "kind": "single", "kind_name": "单选题", "title": "记忆", "call": 1, "calls": 2,
                  "passage": "文段<甲>"},
    "questions_case": {"count": 2, "kind": "case", "kind_name": "案例选择题", "title": "", "call": 1,
                       "calls": 1, "passage": "文段"},
    "questions_short": {"count": 1, "kind": "short", "kind_name": "简答题", "title": "记忆", "call": 1,
                        "calls": 1, "passage": "文段"},
    "instruction": {"kind_name": "单选题"},
    "answer": {"instruction": "请作答。", "question": QUESTION},
    "rewrite": {"kind_name": "单选题", "instruction": "请作答。", "question": QUESTION},
    "gate": {"kind_name": "单选题", "question": QUESTION, "first": "其一", "second": "其二"},
    "quality": {"kind_name": "单选题", "issues": PSYCHOLOGY.words.issues, "passage": "文段",
                "question": QUESTION, "gold": "A", "span": "文"},
    "empathy": {"post": "睡不着", "reply": "早点睡"},
    "turns_generate": {"post": "睡不着", "reply": "早点睡", "pairs": 3},
    "turns_evidence": {"post": "睡不着", "reply": "早点睡", "dialogue": "求助者：睡不着"},
    "turns_optimise": {"post": "睡不着", "dialogue": "求助者：睡不着", "problems": "第1轮：无"},
    "crisis": {"dialogue": "求助者：睡不着"},
}  # fmt: skip
RECORDED = {
    "questions": ("f7902122ea285ea4", "questions@70d20c0be5fd"),
    "questions_case": ("98f4654ff0c553aa", "questions_case@00de455fd5a5"),
    "questions_short": ("2f17475525cc62ea", "questions_short@6ef89b0325a4"),
    "instruction": ("3ef5f2abac22ad38", "instruction@9fb6dd76c965"),
    "answer": ("89a2e8ddb8741b7c", "answer@35067804fe26"),
    "rewrite": ("68c4c33ffedcfc3d", "rewrite@ed48c92d03fa"),
    "gate": ("56235eedd125e66d", "gate@59d8198911b9"),
    "quality": ("9c65f5440fdf77e4", "quality@be5ebc7767a2"),
    "empathy": ("05ec5efaa91cd909", "empathy@e154961abace"),
    "turns_generate": ("37c3b32d0e4ab34a", "turns_generate@c63a1f7eecf0"),
    "turns_evidence": ("29e3a8890ed9d021", "turns_evidence@fa23177f4673"),
    "turns_optimise": ("42dd31af16d4f8a8", "turns_optimise@c0bbc4627dfb"),
    "crisis": ("3f2e121e44e7c9ab", "crisis@df52e5c357e9"),
}
"""sha256 of the prompts with VALUES, and versions; all but ``crisis`` as when prompts lay in the code."""
TASKS = {
    "questions": "questions", "questions_case": "questions", "questions_short": "questions",
    "answer": "answer", "rewrite": "rewrite", "gate": "gate", "quality": "quality", "empathy": "empathy",
    "turns_generate": "conversation", "turns_evidence": "conversation_check",
    "turns_optimise": "conversation_repair", "crisis": "crisis", "instruction": "unknown",
}  # fmt: skip


@pytest.mark.parametrize("name", PROMPTS)
def test_the_built_in_prompts_are_byte_for_byte_what_they_were(name):
    prompt = PSYCHOLOGY.render(name, **VALUES[name])
    assert (hashlib.sha256(prompt.encode()).hexdigest()[:16], PSYCHOLOGY.version(name)) == RECORDED[name]


@pytest.mark.parametrize(
    ("domain", "name"),
    [(domain, name) for domain in ("psychology", LAW) for name in load_domain(domain).prompts],
)
def test_the_scripted_teacher_reads_each_prompt_as_the_task_it_is(domain, name):
    assert prompt_reading.task_of(load_domain(domain).render(name, **VALUES[name])) == TASKS[name]


def test_what_stands_in_a_prompt_is_read_as_it_was_put_there():
    asked = PSYCHOLOGY.render("questions", **VALUES["questions"])
    assert prompt_reading.asked_for(asked) == (2, "single")
    assert prompt_reading.between(asked, "材料") == "文段<甲>"
    answer = PSYCHOLOGY.render("answer", **VALUES["answer"])
    assert prompt_reading.question_in(answer) == prompt_reading.AskedQuestion("single", "甲", ("一", "二"))
    rewrite = PSYCHOLOGY.render("rewrite", **VALUES["rewrite"])
    assert prompt_reading.between(rewrite, "原提示") == "请作答。"
    assert prompt_reading.issue_codes(PSYCHOLOGY.render("quality", **VALUES["quality"])) == [
        *PSYCHOLOGY.words.issues
    ]


def test_nothing_of_psychology_is_in_the_law_examples_domain():
    law = load_domain(LAW)
    values = VALUES | {"quality": VALUES["quality"] | {"issues": law.words.issues}}
    said = [law.render(name, **values[name]) for name in law.prompts] + [str(law.told())]
    assert not [text for text in said if "心理" in text or "sycholog" in text or "求助者的" in text]
    assert all("法律" in law.render(name, **values[name]) for name in ("questions", "gate", "instruction"))
    assert law.version("questions") != PSYCHOLOGY.version("questions")


def test_what_every_domain_must_have_is_there_and_the_rest_may_be():
    assert {name for name in PROMPTS if name not in load_domain(LAW).prompts} == {"crisis"}
    assert set(PSYCHOLOGY.prompts) == set(PROMPTS)


def test_a_missing_value_is_an_error_and_not_a_gap():
    with pytest.raises(UndefinedError):
        PSYCHOLOGY.render("empathy", post="x")


def test_a_template_reads_its_values_and_nothing_else():
    spy = Domain(PSYCHOLOGY.words, {"answer": "{{ question.__class__.__mro__ }}"}, "0")
    with pytest.raises(SecurityError):
        spy.render("answer", question="甲")


def test_a_domain_travels_whole():
    law = load_domain(LAW)
    assert pickle.loads(pickle.dumps(law)) == law
