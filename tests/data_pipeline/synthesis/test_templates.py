"""Every prompt template says what it must and is understood by the scripted teacher."""

import pytest
from jinja2 import UndefinedError

from data_pipeline.synthesis import templates
from data_pipeline.synthesis.templates import render
from psyche_rl.mini.teacher import prompt_reading
from psyche_rl.prompt_folder import PromptFolder

QUESTION = "多选题：记忆包括（ ）\nA.编码\nB.储存"


def test_the_teacher_reads_each_prompt_as_the_task_it_is():
    asked = render(
        "questions",
        count=3,
        kind="multiple",
        kind_name="多选题",
        title="记忆",
        call=1,
        calls=2,
        passage="文<段>",
    )
    assert prompt_reading.task_of(asked) == "questions"
    assert prompt_reading.asked_for(asked) == (3, "multiple")
    assert prompt_reading.between(asked, "材料") == "文<段>"
    instruction = render("instruction", kind_name="多选题")
    answer = render("answer", instruction=instruction, question=QUESTION)
    assert prompt_reading.task_of(answer) == "answer"
    assert prompt_reading.question_in(answer) == prompt_reading.AskedQuestion(
        "multiple", "记忆包括（ ）", ("编码", "储存")
    )
    rewrite = render("rewrite", kind_name="多选题", instruction=instruction, question=QUESTION)
    assert prompt_reading.task_of(rewrite) == "rewrite"
    assert prompt_reading.between(rewrite, "原提示") == instruction
    empathy = render("empathy", post="睡不着", reply="早点睡")
    assert prompt_reading.task_of(empathy) == "empathy"
    assert (prompt_reading.between(empathy, "求助"), prompt_reading.between(empathy, "回复")) == (
        "睡不着",
        "早点睡",
    )


def test_a_missing_value_is_an_error_and_not_a_gap():
    with pytest.raises(UndefinedError):
        render("empathy", post="x")


def test_a_version_follows_the_wording(tmp_path):
    before = templates.version("empathy")
    assert before == templates.version("empathy") != templates.version("answer")
    (tmp_path / "empathy.j2").write_text("别的措辞 {{ post }} {{ reply }}", "utf-8")
    other = PromptFolder(tmp_path)
    assert other.version("empathy").startswith("empathy@")
    assert other.version("empathy") != before
    assert other.render("empathy", post="甲", reply="乙") == "别的措辞 甲 乙"
