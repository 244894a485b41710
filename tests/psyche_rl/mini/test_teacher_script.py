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


UNKNOWN = "拖延不是懒惰，而是一种情绪调节。人们推迟任务，以避开它带来的不快。这种回避只在短期内有效。"


@pytest.mark.parametrize("text", [UNKNOWN, "card"])
def test_case_questions_come_with_a_scene_and_it_later_keeps_to_their_key(cards, text):
    passage = cards[3].text if text == "card" else text
    teacher = Teacher(TeacherFlaws(wrong_rationale=0), 0)
    made = rows(teacher.reply(question_prompt(passage, "案例选择题"), 0)[1])
    assert len(made) == 4
    for row in made:
        assert row["case"]
        assert row["span"] in passage
        options = [f"{letter}.{option}" for letter, option in row["options"].items()]
        shown = "\n".join([row["case"], f"案例选择题：{row['stem']}", *options])
        _, reply = teacher.reply(f"请解答。\n【题目】\n{shown}\n【题目结束】", 0)
        assert reply.endswith(f"答案：{row['gold']}")


@pytest.mark.parametrize("text", [UNKNOWN, "card"])
def test_short_questions_have_key_points_of_the_passage(cards, text):
    passage = cards[3].text if text == "card" else text
    for row in rows(Teacher(SOUND, 0).reply(question_prompt(passage, "简答题"), 0)[1]):
        assert row["gold"]
        assert all(point in passage for point in row["gold"])
        assert row["span"] in passage
        assert row["stem"]
        answer = Teacher(SOUND, 0).reply(answer_prompt("简答题", row["stem"], ()), 0)[1]
        assert "答案：" in answer


def test_a_passage_of_one_clause_still_makes_a_question():
    for kind in ("单选题", "多选题", "案例选择题", "简答题"):
        for row in rows(Teacher(SOUND, 0).reply(question_prompt("睡眠有助于记忆的巩固。", kind), 0)[1]):
            assert row["span"] == "睡眠有助于记忆的巩固。"
            assert row["gold"]


def quality_prompt(question):
    return (
        "请审核。\n- not_supported：材料不支持\n- ambiguous：有歧义\n"
        f"【审核材料】\n甲乙\n【审核材料结束】\n【待审题目】\n{question}\n【待审题目结束】"
    )


def test_it_finds_an_issue_now_and_then_and_the_same_when_asked_again():
    teacher = Teacher(SOUND, 0)
    found = [json.loads(teacher.reply(quality_prompt(f"题 {i}"), 0)[1])["issues"] for i in range(300)]
    assert found == [json.loads(teacher.reply(quality_prompt(f"题 {i}"), 1)[1])["issues"] for i in range(300)]
    assert 3 < sum(map(bool, found)) < 30
    assert {code for issues in found for code in issues} == {"not_supported", "ambiguous"}


def test_the_better_rationale_does_not_depend_on_which_stands_first():
    def better(first, second):
        prompt = f"【推理甲】\n{first}\n【推理甲结束】\n【推理乙】\n{second}\n【推理乙结束】"
        task, reply = Teacher(SOUND, 0).reply(prompt, 0)
        assert task == "gate"
        return {"甲": first, "乙": second}[json.loads(reply)["better"]]

    for pair in (("短", "长一些"), ("一样", "同长")):
        assert better(*pair) == better(*reversed(pair))


def blocks(**texts):
    return "".join(f"\n【{name}】\n{text}\n【{name}结束】\n" for name, text in texts.items())


POST = "我最近总睡不着。一躺下就想工作上的事。第二天没有精神。"
PLAIN = "睡前少看手机。把烦心的事写下来。白天多走动。"


@pytest.mark.parametrize("pairs", [2, 3, 5])
def test_conversations_alternate_and_hold_nothing_but_post_and_advice(pairs):
    prompt = f"请写对话，共 {pairs} 个来回。" + blocks(多轮求助=POST, 多轮回复=PLAIN)
    task, reply = Teacher(SOUND, 0).reply(prompt, 0)
    assert task == "conversation"
    turns = json.loads(reply)
    assert [turn["role"] for turn in turns] == ["user", "assistant"] * pairs
    assert all(turn["content"] for turn in turns)
    said = {role: "".join(t["content"] for t in turns if t["role"] == role) for role in ("user", "assistant")}
    assert all(sentence in said["user"] for sentence in POST.split("。"))
    assert all(sentence in said["assistant"] for sentence in PLAIN.split("。"))


def test_conversations_are_checked_and_mended_in_form():
    teacher = Teacher(SOUND, 0)
    shown = [f"求助者：睡不着 {i}。\n咨询师：早点睡。\n求助者：好。\n咨询师：慢慢来。" for i in range(100)]
    checks = [teacher.reply(blocks(核对求助=POST, 核对回复=PLAIN, 核对对话=text), 0) for text in shown]
    assert {task for task, _ in checks} == {"conversation_check"}
    assert 5 < sum(bool(json.loads(reply)["problems"]) for _, reply in checks) < 40
    task, reply = teacher.reply(blocks(修改求助=POST, 修改对话=shown[0], 发现的问题="第1轮：生硬"), 0)
    assert task == "conversation_repair"
    turns = json.loads(reply)
    assert [turn["role"] for turn in turns] == ["user", "assistant"] * 2
    assert turns[1]["content"].endswith("早点睡。")
    assert turns[1]["content"] != "早点睡。"
    assert turns[3]["content"] == "慢慢来。"
