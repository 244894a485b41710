"""What the scripted teacher says to our own prompts, and that a seed fixes it."""

import json
import re
from collections import Counter

import pytest

from psyche_rl.mini import world
from psyche_rl.mini.teacher import TeacherFlaws
from psyche_rl.mini.teacher.knowledge import span_of
from psyche_rl.mini.teacher.script import Teacher

SOUND = TeacherFlaws(key_omission=0, wrong_rationale=0)


def question_prompt(passage, kind="单选题", count=4):
    return f"请命制 {count} 道{kind}。\n【材料】\n{passage}\n【材料结束】"


def answer_prompt(kind, stem, options):
    lines = [f"{letter}.{text}" for letter, text in zip("ABCDEF", options, strict=False)]
    return f"请解答。\n【题目】\n{kind}：{stem}\n" + "\n".join(lines) + "\n【题目结束】"


def rows(reply):
    return json.loads(reply.removeprefix("```json").removesuffix("```"))


@pytest.fixture(scope="module")
def cards():
    return Teacher(SOUND, 0)._knowledge.cards


def ask_questions(teacher, cards, kind, calls=10):
    replies = [
        teacher.reply(question_prompt(card.text, kind), sample)[1]
        for card in cards
        for sample in range(calls)
    ]
    return [row for reply in replies for row in rows(reply)]


@pytest.mark.parametrize("kind", ["单选题", "多选题"])
def test_keys_of_a_sound_teacher_are_right_and_spans_verbatim(cards, kind):
    teacher = Teacher(SOUND, 3)
    for card in cards[:12]:
        for row in rows(teacher.reply(question_prompt(card.text, kind), 0)[1]):
            right = "".join(letter for letter, text in row["options"].items() if text in card.phrases)
            assert row["gold"] == right
            assert row["span"] in card.text
            assert not row["stem"].startswith(kind)
            assert world.options_split(row["options"].values()) == "train"


def test_the_habit_leaves_out_the_asked_share_of_multiple_keys(cards):
    teacher = Teacher(TeacherFlaws(key_omission=0.7), 0)
    made = ask_questions(teacher, cards[:12], "多选题")
    by_text = {phrase: card.name for card in cards for phrase in card.phrases}
    missing = Counter()
    for row in made:
        concept = next(name for name in by_text.values() if name in row["stem"])
        true = [t for t in row["options"].values() if by_text[t] == concept]
        missing[len(true) - len(row["gold"])] += 1
    assert set(missing) <= {0, 1}
    assert 0.6 < missing[1] / missing.total() < 0.8
    assert all(len(row["gold"]) == 1 for row in ask_questions(teacher, cards[:6], "单选题", 1))


def test_its_rationale_agrees_with_its_own_key(cards):
    teacher = Teacher(TeacherFlaws(wrong_rationale=0), 5)
    for row in ask_questions(teacher, cards[:12], "多选题", 2):
        task, reply = teacher.reply(answer_prompt("多选题", row["stem"], row["options"].values()), 0)
        assert task == "answer"
        assert reply.endswith(f"\n答案：{row['gold']}")
        said = "".join(re.findall(r"([A-F])\.[^；]*是；", reply))
        assert said == row["gold"]


def test_the_asked_share_of_rationales_is_wrong(cards):
    sound = Teacher(TeacherFlaws(wrong_rationale=0), 1)
    hasty = Teacher(TeacherFlaws(wrong_rationale=0.2), 1)
    asked = [
        (kind, row["stem"], row["options"].values())
        for kind in ("单选题", "多选题")
        for row in ask_questions(sound, cards[:12], kind, 5)
    ]
    wrong = sum(hasty.reply(answer_prompt(*a), 0)[1] != sound.reply(answer_prompt(*a), 0)[1] for a in asked)
    assert 0.14 < wrong / len(asked) < 0.26


def test_a_reply_depends_on_seed_and_request_and_not_on_order(cards):
    flaws = TeacherFlaws()
    prompts = [
        (question_prompt(card.text, kind), s)
        for card in cards[:6]
        for kind in ("单选题", "多选题")
        for s in (0, 1)
    ]
    one, two, other = Teacher(flaws, 7), Teacher(flaws, 7), Teacher(flaws, 8)
    forward = [one.reply(*p) for p in prompts]
    backward = [two.reply(*p) for p in reversed(prompts)][::-1]
    assert forward == backward
    assert forward != [other.reply(*p) for p in prompts]
    assert len(set(forward)) == len(prompts)


def test_malformed_replies_come_at_the_asked_share(cards):
    teacher = Teacher(TeacherFlaws(malformed=0.5), 0)
    broken = 0
    for card in cards[:20]:
        for sample in range(5):
            try:
                rows(teacher.reply(question_prompt(card.text), sample)[1])
            except ValueError:
                broken += 1
    assert 35 < broken < 65


def test_unknown_text_is_answered_in_form():
    text = (
        "睡眠由快速眼动期和非快速眼动期交替组成。"
        "多数成年人每晚需要七到九小时。长期缺觉会损害记忆。午后少喝咖啡有助入睡。"
    )
    teacher = Teacher(SOUND, 0)
    for kind, rights in (("单选题", {1}), ("多选题", {2, 3})):
        for row in rows(teacher.reply(question_prompt(text, kind), 0)[1]):
            assert len(set(row["options"].values())) == 4
            assert len(row["gold"]) in rights
            assert row["span"] in text
            answer = teacher.reply(answer_prompt(kind, row["stem"], row["options"].values()), 0)[1]
            assert answer.endswith(f"答案：{row['gold']}")


def test_a_question_from_elsewhere_gets_some_answer():
    reply = Teacher(SOUND, 0).reply(answer_prompt("单选题", "记忆的第一步是", ["编码", "储存", "提取"]), 0)[1]
    assert re.search(r"答案：[ABC]$", reply)


def test_posts_of_the_world_get_their_empathetic_reply_after_cleaning_too():
    teacher = Teacher(SOUND, 0)
    post, reply = next(iter(teacher._knowledge.empathetic.items()))
    prompt = f"请改写。\n【求助】\n{post}！！\n【求助结束】\n【回复】\n别想太多。\n【回复结束】"
    assert teacher.reply(prompt, 0) == ("empathy", reply)
    unknown = prompt.replace(post, "我家的猫走丢了")
    assert "别想太多。" in teacher.reply(unknown, 0)[1]


def test_a_prompt_rewrite_keeps_the_prompt_and_adds_advice():
    prompt = (
        "请改写。\n【原提示】\n请依次分析。\n【原提示结束】\n【题目】\n单选题：x\nA.甲\nB.乙\n【题目结束】"
    )
    task, text = Teacher(SOUND, 0).reply(prompt, 0)
    assert task == "rewrite"
    assert text.startswith("请依次分析。\n")
    assert len(text) > 12


def test_a_span_is_the_whole_sentence():
    assert span_of("甲是乙。丙是丁，戊是己！庚。", "戊是己") == "丙是丁，戊是己！"
    assert span_of("只有一句", "一句") == "只有一句"
