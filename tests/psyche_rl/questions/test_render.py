"""How a question is laid out for a policy, and how a reply is."""

import pytest

from psyche_rl.config.prompt import PAPER_INSTRUCTION, PromptConfig
from psyche_rl.questions.render import bare, question_text, reply_text, shown_to_teacher
from psyche_rl.records import Question
from rewards import RewardSample, exam_reward

OPTIONS = ("内隐记忆", "外显记忆")


def question(**changes) -> Question:
    given = {
        "id": "q",
        "kind": "single",
        "stem": "骑车靠的是",
        "options": OPTIONS,
        "gold": "A",
        "source": "t",
    }
    return Question.model_validate(given | changes)


def test_instruction_kind_case_stem_and_lettered_options():
    shown = question_text(question(kind="case", case="小王学车。"), PromptConfig())
    assert shown == f"{PAPER_INSTRUCTION}\n小王学车。\n案例题：骑车靠的是\nA.内隐记忆\nB.外显记忆"


@pytest.mark.parametrize(
    ("kind", "prefix"), [("single", "单选题："), ("multiple", "多选题："), ("case", "案例题：")]
)
def test_the_kind_stands_before_the_stem(kind, prefix):
    bare = PromptConfig(instruction="")
    assert question_text(question(kind=kind), bare) == f"{prefix}骑车靠的是\nA.内隐记忆\nB.外显记忆"


def test_neither_instruction_nor_kind_where_they_are_turned_off():
    prompt = PromptConfig(instruction="", kind_prefix=False)
    assert question_text(question(), prompt) == "骑车靠的是\nA.内隐记忆\nB.外显记忆"


def test_a_question_without_options_is_its_stem():
    short = question(kind="short", options=(), gold="要点")
    assert question_text(short, PromptConfig(instruction="")) == "简答题：骑车靠的是"


def test_a_reply_in_the_papers_template_gets_the_full_reward():
    text = reply_text("骑车不靠回想，选A", "A")
    assert text == "<think>骑车不靠回想，选A</think>答案：A"
    seen = RewardSample(id="q", response=text, gold="A", kind="single", options=OPTIONS)
    assert exam_reward(1.0, 0.5).score(seen).value == 1.5


def test_the_teacher_sees_another_name_of_the_kind_and_records_see_none():
    case = question(kind="case", case="小王学车。")
    options = "A.内隐记忆\nB.外显记忆"
    assert shown_to_teacher(case) == f"小王学车。\n案例选择题：骑车靠的是\n{options}"
    assert bare(case) == f"小王学车。\n骑车靠的是\n{options}"
    short = question(kind="short", options=(), gold="要点")
    assert shown_to_teacher(short) == "简答题：骑车靠的是"
